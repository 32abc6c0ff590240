//! The tables of a run, as Markdown.

use std::fmt::Write;
use std::fs::read_to_string;
use std::io::{Error, Result};
use std::path::Path;

use crate::Options;
use crate::checks::Check;
use crate::timing::{CONTESTANTS, Figure, OURS};

const BEGIN: &str = "<!-- rust: made by --write -->\n";
const END: &str = "<!-- rust: end -->";

/// The version that `Cargo.lock` gives a package.
fn version(package: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = format!("name = \"{package}\"\nversion = \"");
    lock.split(&entry).nth(1).and_then(|rest| rest.split('"').next()).expect("a locked dependency")
}

/// The load average of the last minute.
pub fn load() -> String {
    let text = read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|text| !text.is_empty()).unwrap_or("?").to_owned()
}

/// The rest of the line of a file under /proc that starts so.
fn proc(file: &str, start: &str) -> String {
    let text = read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(start));
    line.map_or("?", |line| line.trim_start_matches([' ', '\t', ':'])).to_owned()
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Of a count that fits.
fn count(number: usize) -> String {
    thousands(u64::try_from(number).unwrap_or(u64::MAX))
}

type Figures = [(&'static str, Vec<Figure>)];

pub fn text(options: &Options, figures: &Figures, checks: &[Check], loads: &[String; 2]) -> String {
    let mut text = String::new();
    conditions(&mut text, options, loads).expect("a string");
    times(&mut text, figures).expect("a string");
    accounts(&mut text, checks).expect("a string");
    text
}

fn conditions(text: &mut String, options: &Options, loads: &[String; 2]) -> std::fmt::Result {
    let (ops, rounds, batch) = (count(options.ops), options.rounds, count(options.batch));
    let model = proc("/proc/cpuinfo", "model name");
    let cores = proc("/proc/self/status", "Cpus_allowed_list");
    writeln!(
        text,
        "{ops} operations a workload and round, {rounds} rounds, `Batch::apply` by {batch} rows."
    )?;
    writeln!(text, "{model}, core {cores}, load average {} before, {} after.\n", loads[0], loads[1])
}

fn times(text: &mut String, figures: &Figures) -> std::fmt::Result {
    write!(text, "| ns an operation, minimum / median |")?;
    for (name, _) in figures {
        write!(text, " {name} |")?;
    }
    writeln!(text, "\n|---|{}", "---:|".repeat(figures.len()))?;
    for (at, contestant) in CONTESTANTS.iter().enumerate() {
        write!(text, "| {} {}{} |", contestant.package, version(contestant.package), contestant.what)?;
        for (_, column) in figures {
            write!(text, " {:.1} / {:.1} |", column[at].least, column[at].median)?;
        }
        writeln!(text)?;
    }
    write!(text, "| **fastest peer / perpcore, OrderBook::submit** |")?;
    for (_, column) in figures {
        let fastest = |value: fn(&Figure) -> f64| {
            let peers = column[OURS..].iter().map(value);
            peers.fold(f64::INFINITY, f64::min) / value(&column[0])
        };
        write!(
            text,
            " **{:.2} / {:.2}** |",
            fastest(|figure| figure.least),
            fastest(|figure| figure.median)
        )?;
    }
    writeln!(text, "\n")
}

fn accounts(text: &mut String, checks: &[Check]) -> std::fmt::Result {
    let head = "flow | engine | commands that came out otherwise | the first | lots filled | beyond their limit | \
                cancels of no order | left as in perpcore";
    writeln!(text, "| {head} |\n|---|---|---:|---:|---:|---:|---:|---|")?;
    for check in checks {
        write!(text, "| {} | {} {} |", check.flow, check.package, version(check.package))?;
        let Some(account) = &check.account else {
            writeln!(text, " it panicked | | | | | |")?;
            continue;
        };
        let (differ, missed) = (count(check.differ), count(account.missed));
        let first = check.first.map_or("–".to_owned(), count);
        let (filled, beyond) = (thousands(account.filled), count(account.beyond));
        let same = if check.same_rest { "yes" } else { "no" };
        writeln!(text, " {differ} | {first} | {filled} | {beyond} | {missed} | {same} |")?;
    }
    Ok(())
}

/// Puts the text between the marks of a file.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let old = read_to_string(path)?;
    let parts = old.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        return Err(Error::other(format!("{}: no `{}`", path.display(), BEGIN.trim_end())));
    };
    std::fs::write(path, format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}
