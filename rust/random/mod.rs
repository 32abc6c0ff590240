//! Chance: draws as pure functions of `(seed, path, stream, index)`, and what they are drawn from.
//!
//! A [`Stream`] gives words, [`open_unit`] makes uniforms of them, a [`Copula`] lets uniforms move together, and the
//! quantile of a [`Distribution`] makes values of them. All of it is IEEE arithmetic and the crate `libm`: the same bits on
//! every platform.
//!
//! ```
//! use perpcore::random::{DistributionSpec, Stream, name_index, open_unit};
//!
//! let spec: DistributionSpec =
//!     serde_json::from_str(r#"{"dist": "log_normal", "median": "100", "sigma": "0.5", "high": "1000"}"#)?;
//! let distribution = spec.compile().expect("nothing is wrong with it");
//! let (seed, path) = (1, 0);
//! let capital = distribution.quantile(open_unit(Stream::new(seed, path, 3).word(name_index("capital"))));
//! assert!(capital > 0.0 && capital <= 1000.0);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod beta;
mod copula;
mod curve;
mod distribution;
pub mod normal;
mod philox;
mod points;
mod spec;

pub use copula::Copula;
pub use distribution::Distribution;
pub use philox::{LADDER_STREAM, Stream, Words, name_index, open_unit, philox, poisson_table};
pub use spec::DistributionSpec;
