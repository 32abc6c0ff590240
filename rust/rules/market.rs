//! Mark, index, funding: what a venue makes of its market's prices.
