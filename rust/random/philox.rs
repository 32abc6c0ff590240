//! Draws as pure functions of `(seed, path, stream, index)`: any path, level or account can be drawn alone, in any order.
//!
//! Philox4x64-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), the same
//! bits as `numpy.random.Philox` with `key=[seed, stream]` and the counter before its increment.

const MULTIPLIER: [u64; 2] = [0xD2E7_470E_E14C_6C93, 0xCA5A_8263_9512_1157];
const WEYL: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B];
const ROUNDS: usize = 10;

/// Uniforms are multiples of this: 2^-53.
const STEP: f64 = f64::EPSILON / 2.0;

/// Streams below this are the engine's own; a scenario's ladder `i` draws from `LADDER_STREAM + i`.
pub const LADDER_STREAM: u64 = 16;

/// The four words of one block.
#[inline]
pub fn philox(key: [u64; 2], counter: [u64; 4]) -> [u64; 4] {
    let [mut k0, mut k1] = key;
    let mut c = counter;
    for round in 0..ROUNDS {
        if round > 0 {
            k0 = k0.wrapping_add(WEYL[0]);
            k1 = k1.wrapping_add(WEYL[1]);
        }
        let (high0, low0) = wide(MULTIPLIER[0], c[0]);
        let (high1, low1) = wide(MULTIPLIER[1], c[2]);
        c = [high1 ^ c[1] ^ k0, low1, high0 ^ c[3] ^ k1, low0];
    }
    c
}

/// High and low halves of a product.
#[inline]
#[allow(clippy::cast_possible_truncation)]
const fn wide(a: u64, b: u64) -> (u64, u64) {
    let product = a as u128 * b as u128;
    ((product >> 64) as u64, product as u64)
}

/// One stream of one path.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    key: [u64; 2],
    path: u64,
}

impl Stream {
    /// Stream number `stream` of path `path` under `seed`.
    pub const fn new(seed: u64, path: u64, stream: u64) -> Stream {
        Stream { key: [seed, stream], path }
    }

    /// Draw number `index`, uniform on [0, 1) in steps of 2^-53.
    #[inline]
    #[allow(clippy::cast_precision_loss)]
    pub fn uniform(&self, index: u64) -> f64 {
        (self.block(index)[0] >> 11) as f64 * STEP
    }

    /// The four words at counter `[index, path, 0, 0]`.
    #[inline]
    pub fn block(&self, index: u64) -> [u64; 4] {
        philox(self.key, [index, self.path, 0, 0])
    }

    /// Word number `index` where one block serves four: lane `index & 3` of block `index >> 2`.
    #[inline]
    pub fn word(&self, index: u64) -> u64 {
        self.block(index >> 2)[(index & 3) as usize]
    }
}

/// A uniform strictly inside (0, 1): `((word >> 11) + 1/2) x 2^-53`, as an inverse of a distribution wants it.
///
/// The topmost of the 2^53 values would round to 1; it is the largest number below 1 instead.
#[inline]
#[allow(clippy::cast_precision_loss)]
pub fn open_unit(word: u64) -> f64 {
    (((word >> 11) as f64 + 0.5) * STEP).min(1.0 - STEP)
}

/// A number for a name, so that a named thing draws the same wherever it stands in a list.
///
/// FNV-1a, 64 bit, of the UTF-8 bytes: Fowler, Noll and Vo, "The FNV Non-Cryptographic Hash Algorithm" (RFC 9923).
pub fn name_index(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The words of a stream by their number, each block of four drawn once.
#[derive(Clone, Debug)]
pub struct Words {
    stream: Stream,
    block: u64,
    words: [u64; 4],
}

impl Words {
    /// None drawn yet.
    pub const fn new(stream: Stream) -> Words {
        Words { stream, block: u64::MAX, words: [0; 4] }
    }

    /// Number `n` of 16 bits: sixteen in a block, the lowest bits first.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn short(&mut self, n: u64) -> u16 {
        let word = self.at(n >> 2);
        (word >> (16 * (n & 3))) as u16
    }

    /// Word number `n`: lane `n mod 4` of block `n / 4`.
    #[inline]
    pub fn at(&mut self, n: u64) -> u64 {
        if n >> 2 != self.block {
            self.block = n >> 2;
            self.words = self.stream.block(self.block);
        }
        self.words[(n & 3) as usize]
    }
}

/// Appends `floor(2^64 P(N <= n))` of a Poisson count from the first `n` that matters on; which one that is.
///
/// The last one appended is `u64::MAX`: the counts beyond have no odds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub fn poisson_table(mean: f64, out: &mut Vec<u64>) -> u32 {
    if mean <= 0.0 {
        out.push(u64::MAX);
        return 0;
    }
    let spread = 10.0 * mean.sqrt();
    let first = (mean - spread - 10.0).floor().max(0.0) as u32;
    let last = (mean + spread + 30.0).ceil() as u32;
    let log_mean = libm::log(mean);
    let mut sum = 0.0;
    for n in first..last {
        let n = f64::from(n);
        sum += libm::exp(n * log_mean - mean - libm::lgamma(n + 1.0));
        // Saturates where the sum rounds to one.
        let odds = (sum * 18_446_744_073_709_551_616.0) as u64;
        out.push(odds);
        if odds == u64::MAX {
            return first;
        }
    }
    out.push(u64::MAX);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers published with the authors' Random123 (`kat_vectors`, philox4x64 10).
    #[test]
    fn philox_gives_the_published_answers() {
        assert_eq!(
            philox([0, 0], [0; 4]),
            [0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b]
        );
        assert_eq!(
            philox([u64::MAX; 2], [u64::MAX; 4]),
            [0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0]
        );
        assert_eq!(
            philox(
                [0x452821e638d01377, 0xbe5466cf34e90c6c],
                [0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89]
            ),
            [0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6]
        );
    }

    /// `numpy.random.Philox(key=[5, 9], counter=[6, 3, 0, 0]).random_raw(4)`: numpy counts up before it draws.
    #[test]
    fn blocks_and_words_are_those_of_numpy() {
        let stream = Stream::new(5, 3, 9);
        let expected = [0x53629abd56f05d74, 0x173f262380eb8c02, 0x6f346d67ec109643, 0x717092b6a7795915];
        assert_eq!(stream.block(7), expected);
        assert_eq!([28, 29, 30, 31].map(|index| stream.word(index)), expected);
    }

    #[test]
    fn an_open_uniform_never_leaves_the_open_interval() {
        assert_eq!(open_unit(0), 0.5 / (1_u64 << 53) as f64);
        assert_eq!(open_unit(u64::MAX), 1.0 - f64::EPSILON / 2.0);
        assert!(open_unit(u64::MAX - (1 << 11)) < 1.0);
    }

    /// Test vectors published by the authors with RFC 9923.
    #[test]
    fn names_hash_as_published() {
        for (name, hash) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(name_index(name), hash, "{name}");
        }
    }

    #[test]
    fn poisson_odds_have_their_mean_and_variance() {
        for mean in [1e-6, 0.1, 1.0, 12.5, 100.0, 5000.0] {
            let mut odds = Vec::new();
            let first = f64::from(poisson_table(mean, &mut odds));
            let (mut below, mut average, mut square) = (0.0, 0.0, 0.0);
            for (n, &through) in odds.iter().enumerate() {
                let through = through as f64 / 2f64.powi(64);
                let (share, n) = (through - below, first + n as f64);
                (average, square) = (average + share * n, square + share * n * n);
                below = through;
            }
            let variance = square - average * average;
            assert!((average / mean - 1.0).abs() < 1e-9, "mean {average} of {mean}");
            assert!((variance / mean - 1.0).abs() < 1e-6, "variance {variance} of {mean}");
        }
    }
}
