//! What is timed, and the names that its orders have in each engine.

use perpcore::book::{NewOrder, OrderBook, OrderKind};

use crate::flow::{CALM, Flow, Rng, SWEEPS, Step};

/// How many cancels, then adds, follow one another.
const BLOCK: usize = 500;

/// A flow and which of it is timed.
pub struct Work {
    pub name: &'static str,
    pub flow: Flow,
    /// Every second part of so many steps is timed, the first one included; without it, all is.
    pub part: Option<usize>,
}

impl Work {
    pub fn calm(ops: usize) -> Work {
        Work { name: "calm", flow: Flow::new(&CALM, ops), part: None }
    }

    pub fn sweeps(ops: usize) -> Work {
        Work { name: "sweeps", flow: Flow::new(&SWEEPS, ops), part: None }
    }

    /// Blocks of cancels, any live order of the calm book as likely as another; between them the same orders come back.
    pub fn cancels(ops: usize) -> Work {
        let start = Flow::new(&CALM, 0).start;
        let (mut book, mut rng, mut fills) = (OrderBook::new(()), Rng(5), Vec::new());
        let mut live = Vec::new();
        let mut number = 0;
        let mut add = |book: &mut OrderBook, order: NewOrder| {
            let id = book.submit(order, &mut fills).expect("a valid order").resting.expect("nothing crosses");
            number += 1;
            (id, number - 1, order)
        };
        for step in &start {
            let Step::Submit(order) = *step else { unreachable!("a start has orders only") };
            live.push(add(&mut book, order));
        }
        let mut steps = Vec::new();
        while steps.len() < 2 * ops {
            let gone: Vec<_> = (0..BLOCK).map(|_| live.swap_remove(index(&mut rng, live.len()))).collect();
            for &(id, number, _) in &gone {
                book.cancel(id).expect("a live order");
                steps.push(Step::Cancel(id, number));
            }
            for (_, _, order) in gone {
                live.push(add(&mut book, order));
                steps.push(Step::Submit(order));
            }
        }
        Work { name: "cancels", flow: Flow { start, steps }, part: Some(BLOCK) }
    }

    pub fn is_timed(&self, part: usize) -> bool {
        self.part.is_none() || part % 2 == 0
    }
}

fn index(rng: &mut Rng, len: usize) -> usize {
    usize::try_from(rng.below(i64::try_from(len).expect("few"))).expect("not negative")
}

/// What an engine's ids are: those of a new book depend on nothing but the steps before.
pub enum Naming {
    Perpcore,
    /// The number of submissions before.
    Submission,
    /// The number of steps before.
    Command,
}

/// A step, with the engine's own id.
#[derive(Clone, Copy)]
pub enum Command {
    Submit(NewOrder),
    Cancel(u64),
}

/// Start and flow in an engine's names.
pub fn commands(flow: &Flow, naming: &Naming) -> (Vec<Command>, Vec<Command>) {
    let (mut submissions, mut made, mut names) = (0, 0, Vec::new());
    let mut translate = |steps: &[Step]| {
        let each = steps.iter().map(|step| {
            made += 1;
            match (step, naming) {
                (Step::Submit(order), _) => {
                    submissions += 1;
                    if matches!(order.kind, OrderKind::Limit { .. }) {
                        names.push((submissions - 1, made - 1));
                    }
                    Command::Submit(*order)
                }
                (Step::Cancel(id, _), Naming::Perpcore) => Command::Cancel(id.0),
                (Step::Cancel(_, number), Naming::Submission) => Command::Cancel(names[*number as usize].0),
                (Step::Cancel(_, number), Naming::Command) => Command::Cancel(names[*number as usize].1),
            }
        });
        each.collect()
    };
    (translate(&flow.start), translate(&flow.steps))
}
