//! The iteration: every fault at every place that an undisturbed life has shown.

use std::time::Duration;

use crate::testing::kit::case::Bench;
use crate::testing::kit::disturbance::Disturbance;
use crate::testing::kit::{Kind, Report, Site, StepFault, Strike, Trial};

/// How thorough the kit is. The default: every step, every commit, every cancel, no pauses.
#[derive(Debug, Clone)]
#[must_use]
pub struct Kit {
    every: u64,
    first: u64,
    pauses: bool,
    patience: Duration,
}

impl Default for Kit {
    fn default() -> Self {
        Self {
            every: 1,
            first: 0,
            pauses: false,
            patience: Duration::from_secs(60),
        }
    }
}

impl Kit {
    /// Strikes only at every n-th commit. Where each series begins differs, and depends on `first`: so
    /// kits that are given different ones reach more together. Steps and undos are not sampled.
    ///
    /// # Panics
    /// If n is zero.
    pub fn every(mut self, n: u64, first: u64) -> Self {
        assert!(n > 0, "every 0th commit is none");
        (self.every, self.first) = (n, first);
        self
    }

    /// Also pauses the run at every event.
    pub fn pausing(mut self) -> Self {
        self.pauses = true;
        self
    }

    /// How long one life may take before it is said to hang; a minute where nothing is said.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Does all of it, and says what it did.
    ///
    /// # Panics
    /// As soon as something does not hold, with the fault and its place.
    pub async fn run<T: Trial>(&self, trial: &T) -> Report {
        let (mut bench, sites) = Bench::undisturbed(trial, self.patience).await;
        bench.again().await;
        let undisturbed = Disturbance::default();
        self.faults_at(&mut bench, &sites, &undisturbed).await;
        self.strikes(&mut bench, &undisturbed, (0, 0)).await;
        for site in sites.iter().filter(|site| !site.is_undo) {
            let fails = undisturbed.and_step(site, StepFault::ForEverBefore);
            let noted = bench.way_back(&fails).await;
            let undos: Vec<_> = noted
                .sites
                .into_iter()
                .filter(|site| site.is_undo)
                .collect();
            self.faults_at(&mut bench, &undos, &fails).await;
            self.strikes(&mut bench, &fails, noted.before).await;
        }
        bench.report
    }

    /// Each of these steps and undos, with each fault, of a life that is disturbed in this way.
    async fn faults_at<T: Trial>(
        &self,
        bench: &mut Bench<'_, T>,
        sites: &[Site],
        base: &Disturbance,
    ) {
        for site in sites {
            for fault in StepFault::ALL {
                let kind = if site.is_undo {
                    Kind::Undo(fault)
                } else {
                    Kind::Step(fault)
                };
                bench.case(kind, &base.and_step(site, fault)).await;
            }
        }
    }

    /// Each strike, at the commits after these, of a life that is disturbed in this way.
    async fn strikes<T: Trial>(
        &self,
        bench: &mut Bench<'_, T>,
        base: &Disturbance,
        (commits, moments): (u64, u64),
    ) {
        let strikes = [
            (Strike::CrashBefore, commits),
            (Strike::CrashAfter, commits),
            (Strike::Cancel, moments),
            (Strike::Pause, moments),
        ];
        for (series, (strike, before)) in (0..).zip(strikes) {
            if strike == Strike::Pause && !self.pauses {
                continue;
            }
            let kind = if base.steps.is_empty() {
                Kind::At(strike)
            } else {
                Kind::AtUndoing(strike)
            };
            let mut at = before + 1 + (self.first + series + before) % self.every;
            while bench.case(kind, &base.and_strike(strike, at)).await {
                at += self.every;
            }
        }
    }
}
