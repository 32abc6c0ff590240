//! Chance: draws as pure functions of `(seed, path, stream, index)`, and the distributions they are mapped to.

pub mod normal;
mod philox;

pub use philox::{LADDER_STREAM, Stream, name_index, open_unit, philox, poisson};
