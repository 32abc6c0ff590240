//! perpcore's book beside its peers, under one flow in one run. `README.md` has the commands and the last run's tables.

mod batch;
mod checks;
mod engines;
#[allow(dead_code, reason = "benches/book.rs uses the rest")]
#[path = "../../common/flow.rs"]
mod flow;
mod report;
mod timing;
mod work;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use work::Work;

const USAGE: &str = "\
perpcore-peers [--ops N] [--rounds N] [--batch N] [--write README.md]
perpcore-peers [--ops N] --export FILE    the calm flow as rows of perpcore.events.EVENT, its start first
perpcore-peers [--ops N] --row            one round of perpcore's Batch::apply over the calm flow, in ns an operation

  --ops N      commands timed in each workload and round [1000000]
  --rounds N   rounds, engines one after the other in each [7]
  --batch N    rows a call of Batch::apply [10000]
  --write F    puts the tables into this file between its marks, instead of on the terminal";

pub struct Options {
    pub ops: usize,
    pub rounds: usize,
    pub batch: usize,
    write: Option<PathBuf>,
    export: Option<PathBuf>,
    row: bool,
}

fn options() -> Result<Options, String> {
    let mut options =
        Options { ops: 1_000_000, rounds: 7, batch: 10_000, write: None, export: None, row: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--row" {
            options.row = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name}: what is its value?"))?;
        let number = || value.parse().ok().filter(|&n| n > 0).ok_or(format!("{name} {value}: not a count"));
        match name.as_str() {
            "--ops" => options.ops = number()?,
            "--rounds" => options.rounds = number()?,
            "--batch" => options.batch = number()?,
            "--write" => options.write = Some(value.into()),
            "--export" => options.export = Some(value.into()),
            _ => return Err(format!("{name}: no such option")),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> std::io::Result<()> {
    if let Some(path) = &options.export {
        return batch::export(&Work::calm(options.ops).flow, path);
    }
    if options.row {
        println!("{:.2}", batch::time(&Work::calm(options.ops), options.batch));
        return Ok(());
    }
    let load = report::load();
    let mut figures = Vec::new();
    for make in [Work::calm, Work::sweeps, Work::cancels] {
        let work = make(options.ops);
        figures.push((work.name, timing::rounds(&work, options.rounds, options.batch)));
    }
    let loads = [load, report::load()];
    let checks = checks::checks(options.ops.min(1_000_000));
    let text = report::text(options, &figures, &checks, &loads);
    match &options.write {
        Some(path) => report::write(Path::new(path), &text),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

fn main() -> ExitCode {
    let done = options().and_then(|options| run(&options).map_err(|error| error.to_string()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}
