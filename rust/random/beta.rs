//! The beta distribution on [0, 1]: the regularised incomplete beta function and its inverse.
//!
//! Continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, summed as W. J. Lentz does
//! ("Generating Bessel functions in Mie scattering calculations using continued fractions", Applied Optics 15, 1976). The
//! power in front of it is taken relative to its mode, as in C. Loader, "Fast and accurate computation of binomial
//! probabilities" (2000): with `lgamma` of 10,000 alone four digits would be lost.

use std::f64::consts::{LN_2, PI};

use super::normal;

/// From here on Stirling's series has all digits.
const LARGE: f64 = 10.0;
/// Terms of the continued fraction: some hundreds are needed where both parameters are 10,000.
const MAX_TERMS: u32 = 10_000;
/// Steps of the search: seldom more than fifteen.
const MAX_STEPS: u32 = 200;
/// In place of zero, as Lentz has it.
const TINY: f64 = 1e-300;

/// Beta with parameters from 0.05 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Beta {
    a: f64,
    b: f64,
    /// Probability up to one half, and beyond.
    half: (f64, f64),
}

impl Beta {
    pub(super) fn new(a: f64, b: f64) -> Beta {
        let (lower, upper) = Sides { a, b }.tails(0.5);
        Beta { a, b, half: (libm::exp(lower), libm::exp(upper)) }
    }

    pub(super) fn mean(&self) -> f64 {
        self.a / (self.a + self.b)
    }

    /// Probability of a value up to `x`, and of one beyond it; `x` within [0, 1].
    pub(super) fn tails(&self, x: f64) -> (f64, f64) {
        if x <= 0.0 {
            return (0.0, 1.0);
        }
        if x >= 1.0 {
            return (1.0, 0.0);
        }
        let (lower, upper) = if x <= 0.5 {
            Sides { a: self.a, b: self.b }.tails(x)
        } else {
            let (upper, lower) = Sides { a: self.b, b: self.a }.tails(1.0 - x);
            (lower, upper)
        };
        (libm::exp(lower), libm::exp(upper))
    }

    /// The value not exceeded with probability `p = 1 - q`.
    pub(super) fn quantile(&self, p: f64, q: f64) -> f64 {
        // From the end that is nearer, where the distance to it keeps its digits.
        let below = if p <= 0.5 { p <= self.half.0 } else { q >= self.half.1 };
        if below {
            Sides { a: self.a, b: self.b }.solve(p, q)
        } else {
            1.0 - Sides { a: self.b, b: self.a }.solve(q, p)
        }
    }
}

/// The parameters seen from one end: `x` is the distance to it, at most one half.
#[derive(Clone, Copy)]
struct Sides {
    a: f64,
    b: f64,
}

impl Sides {
    /// Logarithms of the probabilities nearer to the end than `x` and farther from it.
    fn tails(self, x: f64) -> (f64, f64) {
        let Sides { a, b } = self;
        let power = self.ln_power(x);
        // The fraction converges fast on its own side of the mode only.
        if x < (a + 1.0) / (a + b + 2.0) {
            let lower = (power + libm::log(fraction(a, b, x) / a)).min(0.0);
            (lower, ln_rest(lower))
        } else {
            let upper = (power + libm::log(fraction(b, a, 1.0 - x) / b)).min(0.0);
            (ln_rest(upper), upper)
        }
    }

    /// Logarithm of `x^a (1 - x)^b / B(a, b)`.
    fn ln_power(self, x: f64) -> f64 {
        let Sides { a, b } = self;
        let n = a + b;
        if a.min(b) < LARGE {
            return a * libm::log(x) + b * libm::log1p(-x) - ln_beta(a, b);
        }
        let mode = a / n;
        let away = x - mode;
        let peak = 0.5 * libm::log(a / n * b / (2.0 * PI)) + stirling(n) - stirling(a) - stirling(b);
        peak - a * deviance(away / mode) - b * deviance(-away * n / b)
    }

    /// Where `tails` are `p` and `q`, at most one half: Newton's method on the logarithm of the smaller, held in brackets.
    fn solve(self, p: f64, q: f64) -> f64 {
        let goal = libm::log(p.min(q));
        let (mut low, mut high) = (0.0_f64, 0.5_f64);
        let mut x = self.guess(p, q).clamp(f64::MIN_POSITIVE, high);
        for _ in 0..MAX_STEPS {
            let (lower, upper) = self.tails(x);
            // Rises with x, as does its slope per unit of ln x.
            let (off, tail) = if p <= q { (lower - goal, lower) } else { (goal - upper, upper) };
            if off > 0.0 {
                high = x;
            } else {
                low = x;
            }
            let slope = libm::exp(self.ln_power(x) - tail) / (1.0 - x);
            let step = -off / slope;
            let next = x * libm::exp(step);
            if next == x || high <= low {
                return x;
            }
            if next > low && next < high {
                x = next;
                // Newton squares the error: what is left is below the last digit.
                if step.abs() < 1e-10 {
                    return x;
                }
            } else {
                let middle = libm::sqrt(low.max(f64::MIN_POSITIVE)) * libm::sqrt(high);
                if middle <= low || middle >= high {
                    return x;
                }
                x = middle;
            }
        }
        x
    }

    /// A first guess: equations 26.5.22 of Abramowitz and Stegun, "Handbook of mathematical functions" (1964), for a hump,
    /// else the leading power.
    fn guess(self, p: f64, q: f64) -> f64 {
        let Sides { a, b } = self;
        if a > 1.0 && b > 1.0 {
            let (r, s) = (1.0 / (2.0 * a - 1.0), 1.0 / (2.0 * b - 1.0));
            let z = -normal::quantile_of(p, q);
            let l = (z * z - 3.0) / 6.0;
            let h = 2.0 / (r + s);
            if h + l > 0.0 {
                let w = z * libm::sqrt(h + l) / h - (s - r) * (l + 5.0 / 6.0 - 2.0 / (3.0 * h));
                return a / (a + b * libm::exp(2.0 * w));
            }
        }
        libm::exp((libm::log(p * a) + ln_beta(a, b)) / a)
    }
}

/// The continued fraction of the incomplete beta function, without the power in front.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let whole = |x: f64| if x.abs() < TINY { TINY } else { x };
    let (mut c, mut d) = (1.0, 1.0 / whole(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for term in 1..MAX_TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for part in [even, odd] {
            d = 1.0 / whole(1.0 + part * d);
            c = whole(1.0 + part / c);
            change = c * d;
            value *= change;
        }
        if (change - 1.0).abs() <= f64::EPSILON / 2.0 {
            break;
        }
    }
    value
}

/// `ln(1 - e^x)` for `x <= 0`: R. P. Brent's and others' rule, see M. Maechler, "Accurately computing log(1 - exp(-|a|))" (2012).
fn ln_rest(x: f64) -> f64 {
    if x > -LN_2 { libm::log(-libm::expm1(x)) } else { libm::log1p(-libm::exp(x)) }
}

/// `ln B(a, b)`.
fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if large < LARGE {
        return libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    }
    // ln G(large + small) - ln G(large), without the difference of large numbers.
    let rise = (large - 0.5) * libm::log1p(small / large) + small * libm::log(large + small) - small
        + stirling(large + small)
        - stirling(large);
    libm::lgamma(small) - rise
}

/// What Stirling's formula leaves of `ln G(x)`: 5.11.1 of the NIST Digital Library, `x` at least 10.
fn stirling(x: f64) -> f64 {
    const TERMS: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    let square = 1.0 / (x * x);
    TERMS.iter().rev().fold(0.0, |sum, term| sum * square + term) / x
}

/// `t - ln(1 + t)`, accurate around zero.
fn deviance(t: f64) -> f64 {
    if t.abs() > 0.3 {
        return t - libm::log1p(t);
    }
    // ln(1 + t) = 2 (r + r^3 / 3 + r^5 / 5 + ...), and t - 2r = t r.
    let r = t / (2.0 + t);
    let square = r * r;
    let series = (1..=11).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    r * (t - 2.0 * square * series)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, relative: f64) -> bool {
        (a - b).abs() <= relative * b.abs()
    }

    /// mpmath 1.4.1 at 400 digits: `x^a (1-x)^b / (a B(a, b)) 2F1(a+b, 1; a+1; x)`, summed, and one minus it.
    #[test]
    fn both_tails_have_their_digits() {
        for (a, b, x, (p, q)) in [
            (0.05, 0.05, 1e-200, (5.019205308933633e-11, 0.9999999999498079)),
            (0.05, 0.05, 0.001, (0.355348606541156, 0.644651393458844)),
            (0.05, 0.05, 0.5, (0.5, 0.5)),
            (0.05, 0.05, 0.9999, (0.6833081219686337, 0.31669187803136634)),
            (0.05, 10000.0, 1e-100, (1.6280251503280018e-05, 0.9999837197484968)),
            (0.05, 10000.0, 1e-05, (0.9112558648886239, 0.08874413511137612)),
            (0.05, 10000.0, 0.000104, (0.9892036660808746, 0.010796333919125363)),
            (0.05, 10000.0, 0.001, (0.9999997606042064, 2.3939579365694295e-07)),
            (0.05, 10000.0, 0.01, (1.0, 1.4406250646280215e-47)),
            (10000.0, 0.05, 0.99, (1.4406250646278941e-47, 1.0)),
            (10000.0, 0.05, 0.9999, (0.01152360567871875, 0.9884763943212812)),
            (10000.0, 0.05, 0.999999, (0.18444209268146586, 0.8155579073185342)),
            (10000.0, 10000.0, 0.4, (7.263910622537557e-180, 1.0)),
            (10000.0, 10000.0, 0.48, (7.610739113426522e-09, 0.9999999923892608)),
            (10000.0, 10000.0, 0.499, (0.38864995214253756, 0.6113500478574625)),
            (10000.0, 10000.0, 0.5001, (0.5112821464686054, 0.4887178535313946)),
            (10000.0, 10000.0, 0.52, (0.9999999923892608, 7.610739113426522e-09)),
            (2.0, 5.0, 1e-09, (1.499999996e-17, 1.0)),
            (2.0, 5.0, 0.1, (0.114265, 0.8857349999999999)),
            (2.0, 5.0, 0.7, (0.989065, 0.010935000000000007)),
            (2.0, 5.0, 0.99, (0.999999999405, 5.950000000000026e-10)),
            (9000.0, 40.0, 0.99, (7.900360967127339e-10, 0.9999999992099639)),
            (9000.0, 40.0, 0.9955, (0.43665177499827573, 0.5633482250017242)),
            (9000.0, 40.0, 0.9995, (1.0, 2.2397440958177947e-24)),
            (11.0, 0.3, 0.2, (1.4586263508530484e-09, 0.9999999985413737)),
            (11.0, 0.3, 0.9, (0.07067670010776729, 0.9293232998922327)),
            (11.0, 0.3, 0.999, (0.7154049973870761, 0.284595002612924)),
            (9.5, 10.5, 0.01, (8.688329687813647e-15, 0.9999999999999913)),
            (9.5, 10.5, 0.47, (0.48535360839178476, 0.5146463916082152)),
            (9.5, 10.5, 0.8, (0.9992838032805696, 0.0007161967194303498)),
        ] {
            let (lower, upper) = Beta::new(a, b).tails(x);
            assert!(
                close(lower, p, 5e-13) && close(upper, q, 5e-13),
                "Beta({a}, {b}) at {x}: {lower:e}, {upper:e}"
            );
        }
    }

    type Case = (f64, f64, &'static [(f64, f64)]);

    /// mpmath 1.4.1 at 50 digits: the root of the same series, started at `scipy.special.betaincinv` (1.17.1).
    const CASES: &[Case] = &[
        (
            0.05,
            0.05,
            &[
                (1e-12, 9.71182360272031e-235),
                (1e-06, 9.711823602720156e-115),
                (0.01, 9.71182360272007e-35),
                (0.3, 3.386199757902796e-05),
                (0.5, 0.5),
                (0.8, 0.9999999898164149),
            ],
        ),
        (
            0.05,
            10000.0,
            &[
                (1e-12, 5.844909688067454e-245),
                (1e-06, 5.844909688067361e-125),
                (0.01, 5.844909688067309e-45),
                (0.3, 2.0379939926002294e-15),
                (0.5, 5.574143210076514e-11),
                (0.8, 6.782317432531665e-07),
                (0.999, 0.0002736214170885492),
                (0.999999999999, 0.0021675186289500216),
            ],
        ),
        (
            10000.0,
            0.05,
            &[
                (1e-12, 0.9978324834895854),
                (1e-06, 0.9991306505279081),
                (0.01, 0.9998912380086216),
                (0.3, 0.9999999533414163),
                (0.5, 0.9999999999442586),
            ],
        ),
        (
            10000.0,
            10000.0,
            &[
                (1e-12, 0.47514440948614867),
                (1e-06, 0.48319864281590597),
                (0.01, 0.4917755717968846),
                (0.3, 0.49814594740484025),
                (0.5, 0.5),
                (0.8, 0.5029755912553109),
                (0.999, 0.510924453559564),
                (0.999999999999, 0.5248556013999927),
            ],
        ),
        (
            0.5,
            0.5,
            &[
                (1e-12, 2.4674011002723395e-24),
                (1e-06, 2.46740110027031e-12),
                (0.01, 0.0002467198171342215),
                (0.3, 0.20610737385376343),
                (0.5, 0.5),
                (0.8, 0.9045084971874737),
                (0.999, 0.999997532600929),
            ],
        ),
        (
            2.0,
            5.0,
            &[
                (1e-12, 2.581989786361007e-07),
                (1e-06, 0.0002582878293540636),
                (0.01, 0.026763191142755056),
                (0.3, 0.18180347131894917),
                (0.5, 0.26444998329565994),
                (0.8, 0.42244752484627207),
                (0.999, 0.818613866919134),
                (0.999999999999, 0.9972166390567536),
            ],
        ),
        (
            1.0,
            3.0,
            &[
                (1e-12, 3.333333333334444e-13),
                (1e-06, 3.3333344444450614e-07),
                (0.01, 0.0033445065874036363),
                (0.3, 0.11209599825739928),
                (0.5, 0.20629947401590026),
                (0.8, 0.4151964523574268),
                (0.999, 0.9),
                (0.999999999999, 0.9999000007373962),
            ],
        ),
        (
            30.0,
            12.0,
            &[
                (1e-12, 0.208538075344396),
                (1e-06, 0.3548934052654173),
                (0.01, 0.5416690467348463),
                (0.3, 0.6801910178300489),
                (0.5, 0.7177145073627088),
                (0.8, 0.7737854307073746),
                (0.999, 0.8917349657276389),
                (0.999999999999, 0.9845008243816115),
            ],
        ),
        (
            0.05,
            3.0,
            &[
                (1e-12, 2.3000470006648987e-241),
                (1e-06, 2.300047000664862e-121),
                (0.01, 2.3000470006648417e-41),
                (0.3, 8.019768003607476e-12),
                (0.5, 2.1934966675234506e-07),
                (0.8, 0.0026652625924623525),
                (0.999, 0.6535341195618832),
                (0.999999999999, 0.9996180234040085),
            ],
        ),
        (
            9.5,
            9.5,
            &[
                (1e-12, 0.0178241815051609),
                (1e-06, 0.0804560738928981),
                (0.01, 0.24830174748932976),
                (0.3, 0.4392775116750682),
                (0.5, 0.5),
                (0.8, 0.5968860039223921),
                (0.999, 0.8173102123006137),
                (0.999999999999, 0.9821758606177209),
            ],
        ),
        (
            11.0,
            0.3,
            &[
                (1e-12, 0.10380984932936141),
                (1e-06, 0.3576371291869828),
                (0.01, 0.7806864566105546),
                (0.3, 0.9762066571543048),
                (0.5, 0.9931591531666983),
                (0.8, 0.9996930757197598),
                (0.999, 0.999999999993455),
            ],
        ),
        (
            9000.0,
            40.0,
            &[
                (1e-12, 0.9887819905759153),
                (1e-06, 0.9914398701594578),
                (0.01, 0.9937923389056569),
                (0.3, 0.9952372853716391),
                (0.5, 0.9956117157720308),
                (0.8, 0.9961708267645356),
                (0.999, 0.9974244690323075),
                (0.999999999999, 0.9988805401223263),
            ],
        ),
        (
            10000.0,
            1.0,
            &[
                (1e-12, 0.9972407117415495),
                (1e-06, 0.9986194028465246),
                (0.01, 0.9995395890030878),
                (0.3, 0.9998796099670291),
                (0.5, 0.9999306876841536),
                (0.8, 0.999977685893832),
                (0.999, 0.9999998999499716),
                (0.999999999999, 0.9999999999999999),
            ],
        ),
    ];

    #[test]
    fn quantiles_are_right_to_the_last_digits() {
        for &(a, b, quantiles) in CASES {
            for &(u, x) in quantiles {
                let found = Beta::new(a, b).quantile(u, 1.0 - u);
                assert!(close(found, x, 1e-13), "Beta({a}, {b}) at {u}: {found:e} is not {x:e}");
            }
        }
    }
}
