//! One case: a disturbed life in a fresh world, and what must hold afterwards.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;

use crate::panic::panic_text;
use crate::testing::kit::disturbance::Disturbance;
use crate::testing::kit::faults::{Care, Noted};
use crate::testing::kit::{Faults, Kind, Life, Report, Site, Strike, Trial};

/// What an undisturbed life comes to, and what has been done so far.
pub(super) struct Bench<'a, T: Trial> {
    trial: &'a T,
    patience: Duration,
    life: Life,
    seen: T::Seen,
    left: T::Left,
    pub(super) report: Report,
}

impl<'a, T: Trial> Bench<'a, T> {
    /// With what the first life has shown: also its steps and undos.
    pub(super) async fn undisturbed(trial: &'a T, patience: Duration) -> (Self, Vec<Site>) {
        let nothing = Disturbance::default();
        let mut world = trial.fresh().await;
        let left = trial.left(&world).await;
        let lived = lived(trial, &mut world, &nothing, Care::None, patience);
        let (life, noted) = lived.await;
        let missing = [
            (noted.commits > 0, "store"),
            (!noted.sites.is_empty(), "install"),
            (noted.attached, "attach"),
        ];
        for (is_used, what) in missing {
            assert!(
                is_used,
                "the trial makes no use of Faults::{what}: {life:?}"
            );
        }
        assert!(
            life == Life::Completed || life.is_given_up(),
            "undisturbed, the job does not end: {life:?}"
        );
        let mut report = Report {
            commits: noted.commits,
            lives: 1,
            ..Report::default()
        };
        report.find(&noted.sites);
        let bench = Self {
            seen: trial.look(&world).await,
            trial,
            patience,
            life,
            left,
            report,
        };
        if bench.life.is_given_up() {
            bench.check_left(&world, &nothing).await;
        }
        (bench, noted.sites)
    }

    /// The job is asked for again, in a world where it is done.
    pub(super) async fn again(&mut self) {
        let nothing = Disturbance::default();
        let mut world = self.trial.fresh().await;
        for _ in 0..2 {
            let (life, _) = self.life(&mut world, &nothing, Care::GoOn).await;
            self.check_done(&world, &life, &nothing, "asked for again")
                .await;
        }
        self.count(Kind::Again);
    }

    /// One case. False if the life has ended before its strike was reached.
    pub(super) async fn case(&mut self, kind: Kind, disturbance: &Disturbance) -> bool {
        let mut world = self.trial.fresh().await;
        let (life, noted) = self.life(&mut world, disturbance, Care::None).await;
        let is_struck = disturbance.strike.is_none() || noted.struck;
        let context = || format!("{disturbance}: {life:?}");
        assert!(
            noted.was_disturbed() || noted.struck,
            "{}: the step was not attempted in this life, but for {:?}",
            context(),
            noted.sites
        );
        assert!(
            self.may_go_so(disturbance, noted.struck, &life),
            "{}: a life cannot go so",
            context()
        );
        // Where one run rests, another may have ended: what is left is of the one that rests.
        let rests = noted.struck && matches!(disturbance.strike, Some((Strike::Pause, _)));
        self.recover(&mut world, disturbance, life, rests).await;
        if is_struck {
            self.count(kind);
        }
        is_struck
    }

    /// What a life shows in which a run fails.
    pub(super) async fn way_back(&mut self, fails: &Disturbance) -> Noted {
        let mut world = self.trial.fresh().await;
        let (_, noted) = self.life(&mut world, fails, Care::None).await;
        self.report.find(&noted.sites);
        noted
    }

    /// Whether a life that was disturbed in this way can go so.
    fn may_go_so(&self, disturbance: &Disturbance, is_struck: bool, life: &Life) -> bool {
        let strike = disturbance.strike.filter(|_| is_struck);
        match (life, strike.map(|(strike, _)| strike)) {
            (life, Some(strike)) if strike.is_crash() => matches!(life, Life::CutOff(_)),
            (Life::CutOff(_), _) => false,
            (Life::Parked(_), _) => disturbance.fails_an_undo(),
            _ if disturbance.parks() => false,
            (Life::Paused, strike) => strike == Some(Strike::Pause),
            (Life::Cancelled, Some(Strike::Cancel)) => true,
            // A step that fails once may have no attempt left.
            (Life::Failed(_), _) if disturbance.fails_a_step() => true,
            (life, _) => life.went_like(&self.life),
        }
    }

    /// Undisturbed lives come to what an undisturbed one comes to.
    async fn recover(
        &mut self,
        world: &mut T::World,
        disturbance: &Disturbance,
        first: Life,
        rests: bool,
    ) {
        // Nobody undoes what a step has done that fails for good once it has done its work.
        let leaves_work = disturbance.leaves_work() || rests;
        let mut life = first;
        // A run on its way back goes on with that in the next life.
        let mut may_be_given_up = disturbance.gives_up() && !life.is_given_up();
        if let Life::Parked(_) = life {
            self.life(world, &Disturbance::default(), Care::Mend).await;
            self.check_left(world, disturbance).await;
            may_be_given_up = false;
        }
        loop {
            if life.is_given_up() && !leaves_work {
                self.check_left(world, disturbance).await;
            }
            if life.went_like(&self.life) {
                break;
            }
            let (next, _) = self.life(world, &Disturbance::default(), Care::GoOn).await;
            let is_given_up = next.is_given_up() && !next.went_like(&self.life);
            assert!(
                next.went_like(&self.life) || is_given_up && may_be_given_up,
                "{disturbance}: after {life:?}, an undisturbed life is {next:?}, not {:?}",
                self.life
            );
            may_be_given_up = false;
            life = next;
        }
        self.check_done(world, &life, disturbance, "in the end")
            .await;
    }

    async fn check_done(
        &self,
        world: &T::World,
        life: &Life,
        disturbance: &Disturbance,
        when: &str,
    ) {
        assert!(
            life.went_like(&self.life),
            "{disturbance}, {when}: {life:?}, not {:?}",
            self.life
        );
        let seen = self.trial.look(world).await;
        assert!(
            seen == self.seen,
            "{disturbance}, {when}: what there is to see is not what it is undisturbed\n  \
             undisturbed: {:?}\n  seen: {seen:?}",
            self.seen
        );
    }

    async fn check_left(&self, world: &T::World, disturbance: &Disturbance) {
        let left = self.trial.left(world).await;
        assert!(
            left == self.left,
            "{disturbance}: a run that did not complete has left something of its own\n  \
             fresh: {:?}\n  left: {left:?}",
            self.left
        );
    }

    async fn life(
        &mut self,
        world: &mut T::World,
        disturbance: &Disturbance,
        care: Care,
    ) -> (Life, Noted) {
        self.report.lives += 1;
        lived(self.trial, world, disturbance, care, self.patience).await
    }

    fn count(&mut self, kind: Kind) {
        *self.report.cases.entry(kind).or_default() += 1;
    }
}

/// One life. A panic of the trial's own is one with the fault and its place.
async fn lived<T: Trial>(
    trial: &T,
    world: &mut T::World,
    disturbance: &Disturbance,
    care: Care,
    patience: Duration,
) -> (Life, Noted) {
    let faults = Faults::new(disturbance, care);
    let life = AssertUnwindSafe(trial.live(world, &faults)).catch_unwind();
    let life = match tokio::time::timeout(patience, life).await {
        Ok(Ok(life)) => life,
        Ok(Err(panic)) => panic!("{disturbance}: the life {}", panic_text(panic.as_ref())),
        Err(_) => panic!("{disturbance}: the life does not end within {patience:?}"),
    };
    let noted = faults.end();
    if faults.has_crashed() {
        let said = format!("a crash; the life says {life:?}");
        return (Life::CutOff(said), noted);
    }
    if let Some(reason) = noted.parked.clone() {
        return (Life::Parked(reason), noted);
    }
    (life, noted)
}
