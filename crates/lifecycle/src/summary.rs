//! Images, as `list` and `show` have them, put together from rows.

use longshore_catalog::{Decision, ImageRow, LayerRow, MachineRow, Reader, VolumeRow};
use longshore_fsm::{Ended, RunId, RunState, RunSummary};

use crate::{
    Failure, ImageSummary, MachineSummary, VolumeReport,
    run_report::failure_in,
    status::{Facts, Status, status},
};

/// What the rows say of one image.
pub(crate) struct ImageRows {
    pub(crate) image: ImageRow,
    pub(crate) layers: Vec<LayerRow>,
    pub(crate) volume: Option<VolumeRow>,
    pub(crate) machines: Vec<MachineRow>,
    pub(crate) decision: Option<Decision>,
}

impl ImageRows {
    pub(crate) fn look(
        read: &Reader<'_>,
        image: ImageRow,
    ) -> Result<Self, longshore_catalog::Error> {
        let volume = match image.volume {
            Some(id) => read.volume(id)?,
            None => None,
        };
        Ok(Self {
            layers: read.layers(image.id)?,
            machines: read.machines_of(image.id)?,
            decision: read.decision(image.id)?,
            volume,
            image,
        })
    }

    pub(crate) fn run(&self) -> Option<RunId> {
        RunId::new(self.image.run)
    }

    /// Where the image stands, given its last run.
    pub(crate) fn status(&self, run: Option<&RunSummary>, now: i64) -> Status {
        let run_failed = run.is_some_and(|run| match &run.state {
            RunState::Ended(ended) => *ended != Ended::Completed,
            RunState::Parked(_) | RunState::Quarantined(_) => true,
            _ => false,
        });
        status(&Facts {
            sealed: self.image.volume.is_some(),
            verdict: self.decision.as_ref().map(|decision| decision.verdict),
            expired: self
                .decision
                .as_ref()
                .and_then(|decision| decision.valid_until)
                .is_some_and(|until| until <= now),
            layers_here: self
                .layers
                .iter()
                .filter(|layer| layer.digest.is_some())
                .count(),
            layers: self.layers.len(),
            run_failed,
            begun: run.is_some(),
        })
    }

    pub(crate) fn summary(&self, run: Option<&RunSummary>, now: i64) -> ImageSummary {
        let status = self.status(run, now);
        let failure = run
            .filter(|_| status == Status::Failed)
            .and_then(failure_in)
            .or_else(|| (status == Status::Failed).then(Failure::interrupted));
        ImageSummary {
            image: self.image.name.clone(),
            origin: self.image.origin.clone(),
            generation: self.image.generation,
            status,
            failure,
            layers: u64::try_from(self.layers.len()).unwrap_or(u64::MAX),
            size: self.layers.iter().map(|layer| layer.size).sum(),
            chain_id: self.image.chain.map(|chain| chain.to_string()),
            volume: self.volume.as_ref().map(volume_report),
            scan: self
                .decision
                .as_ref()
                .and_then(|decision| serde_json::from_str(&decision.report).ok()),
            machines: self.machines.iter().map(machine_summary).collect(),
            created_at: self.image.created_at,
        }
    }
}

pub(crate) fn volume_report(volume: &VolumeRow) -> VolumeReport {
    VolumeReport {
        id: volume.id.0,
        path: volume.path.clone(),
        size: volume.size,
        used: volume.used.unwrap_or_default(),
    }
}

fn machine_summary(machine: &MachineRow) -> MachineSummary {
    MachineSummary {
        name: machine.name.clone(),
        state: machine.state.to_string(),
        path: machine.path.clone(),
        volume: machine.disk.0,
        owner: machine.owner.clone(),
        expires_at: machine.expires_at,
    }
}
