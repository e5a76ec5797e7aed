//! Percentiles of many samples, by the nearest rank.

/// Sorted samples.
#[derive(Debug)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Of these samples, in any order.
    #[must_use]
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        Self(samples)
    }

    /// The smallest sample that is not below so many hundredths of them; `None` if there is none.
    #[must_use]
    pub fn percentile(&self, hundredths: usize) -> Option<f64> {
        let rank = (self.0.len() * hundredths).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        let spread = Spread::of((1..=200).rev().map(f64::from).collect());
        assert_eq!(spread.percentile(50), Some(100.0));
        assert_eq!(spread.percentile(99), Some(198.0));
        assert_eq!(Spread::of(vec![7.0]).percentile(99), Some(7.0));
        assert_eq!(Spread::of(Vec::new()).percentile(50), None);
    }
}
