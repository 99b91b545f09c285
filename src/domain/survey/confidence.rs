//! How much so many occasions prove.
//!
//! The interval is Wilson's score interval at 95 % (E. B. Wilson, "Probable inference, the law of succession, and
//! statistical inference", Journal of the American Statistical Association 22, 1927): unlike the textbook interval it
//! stays inside 0 to 1 and does not collapse where every one of few occasions agrees. The number behind it is that of
//! days, not of visits: the visits of one hour stand or fall together.

/// Two-sided 95 % of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Where a share lies, most likely; 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Wilson's interval of a share that was observed over `n` occasions; everything is possible without any.
pub fn wilson(share: f64, n: u32) -> Interval {
    if n == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let n = f64::from(n);
    let square = Z * Z;
    let middle = share + square / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    let whole = 1.0 + square / n;
    Interval { low: ((middle - reach) / whole).max(0.0), high: ((middle + reach) / whole).min(1.0) }
}

/// The chance of at least `k` among `n` independent occasions of which each has the chance `p`.
pub fn tail(n: u32, k: u32, p: f64) -> f64 {
    if k == 0 || p >= 1.0 {
        return 1.0;
    }
    if k > n || p <= 0.0 {
        return 0.0;
    }
    let (log_p, log_q) = (p.ln(), (1.0 - p).ln());
    // ln of the binomial coefficient, from one term to the next.
    let mut choose = 0.0;
    let mut sum = 0.0;
    for i in 0..=n {
        if i >= k {
            sum += (choose + f64::from(i) * log_p + f64::from(n - i) * log_q).exp();
        }
        choose += f64::from(n - i).ln() - f64::from(i + 1).ln();
    }
    sum.min(1.0)
}
