//! Mark, index, funding.
