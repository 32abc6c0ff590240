//! What a run returns: tables of columns, in exact integers or in units.

mod columns;
mod series;
mod standing;
mod summary;
mod tables;

pub use columns::{Names, Table};
pub use series::{agents, heat_map, series};
pub use standing::{inventories, standing, thresholds};
pub use summary::{
    COLUMNS, Column, Kind, Of, STOP_REASONS, Scale, Value, billionths, columns, exact_summary, quotient,
    summary,
};
pub use tables::{accounts, adl, depth, fills, ledger, liquidations, stages};
