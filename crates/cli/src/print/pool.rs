//! A pool.

use longshore_lifecycle::{
    PoolAlarm, PoolCheck, PoolPart, PoolRecovery, PoolRepair, PoolReport, PoolSaved, PoolTrim,
    PoolVolume,
};

use super::{Document, Page, Row, bytes, quantity::harmless, table::pairs};

impl Document for PoolReport {
    fn text(&self, _: &Page) -> String {
        let mut facts = vec![
            ("pool", self.name.clone()),
            ("state", self.state.to_owned()),
            ("device", harmless(&self.device.to_string_lossy())),
            ("data", part(&self.data)),
            ("metadata", part(&self.metadata)),
            ("blocks", bytes(self.block_bytes)),
        ];
        let below = match self.discards_below {
            true => "what is discarded is given back to what is below",
            false => "what is discarded stays the pool's",
        };
        facts.push(("discard", below.to_owned()));
        let full = match self.when_full {
            "queue" => "writes wait for room",
            _ => "writes fail at once",
        };
        facts.push(("when full", full.to_owned()));
        if let Some(transaction) = self.transaction {
            let at = match self.recorded_transaction == transaction {
                true => transaction.to_string(),
                false => format!("{transaction}, recorded {}", self.recorded_transaction),
            };
            facts.push(("transaction", at));
        }
        if let Some(growth) = self.growth {
            let most = growth
                .most_bytes
                .map(|most| format!(", to {} at most", bytes(most)));
            facts.push((
                "grows",
                format!(
                    "at {} % by {} %{}",
                    growth.at_percent,
                    growth.by_percent,
                    most.unwrap_or_default()
                ),
            ));
        }
        for kept in &self.kept {
            facts.push(("kept", harmless(&kept.to_string_lossy())));
        }
        let mut text = pairs(&facts);
        for alarm in &self.alarms {
            text.push_str(&format!("\n{}\n  hint: {}\n", said(alarm), alarm.hint));
        }
        text
    }

    fn word(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

impl Row for PoolReport {
    fn line(&self) -> String {
        let alarms: Vec<_> = self.alarms.iter().map(said).collect();
        let room = part(&self.data);
        match alarms.is_empty() {
            true => format!("pool {} is {}: {room}", self.name, self.state),
            false => format!(
                "pool {} is {}: {}",
                self.name,
                self.state,
                alarms.join("; ")
            ),
        }
    }
}

fn said(alarm: &PoolAlarm) -> String {
    format!(
        "{} ({}): {}",
        alarm.name,
        alarm.level.as_str(),
        harmless(&alarm.text)
    )
}

impl Document for PoolCheck {
    fn text(&self, _: &Page) -> String {
        let how = match self.extent {
            "whole" => "all of its metadata",
            _ => "a snapshot of its metadata",
        };
        let word = if self.clean { "clean" } else { "not clean" };
        let mut text = format!(
            "pool {} is {word}: {how}, with {} volumes\n",
            self.name, self.volumes
        );
        if let Some(damage) = &self.damage {
            text.push_str(&format!("  damaged: {}\n", harmless(damage)));
        }
        for missing in &self.missing {
            text.push_str(&format!("  missing: {missing}\n"));
        }
        for unknown in &self.unknown {
            text.push_str(&format!("  not in the catalogue: volume {unknown}\n"));
        }
        text
    }

    fn word(&self) -> Option<String> {
        Some(if self.clean { "clean" } else { "damaged" }.to_owned())
    }
}

impl Document for PoolRepair {
    fn text(&self, _: &Page) -> String {
        let name = &self.name;
        let mut text = match self.done {
            "nothing" => format!("pool {name} is clean: nothing was done\n"),
            "mark" => format!("pool {name} is clean: it is usable again\n"),
            "room" => format!("pool {name} is clean, and has more room for metadata\n"),
            _ => format!(
                "pool {name} has other metadata: {}\n",
                harmless(&self.metadata.to_string_lossy())
            ),
        };
        if let Some(damage) = &self.damage {
            text.push_str(&format!("  it was damaged: {}\n", harmless(damage)));
        }
        if let Some(kept) = &self.kept {
            let kept = harmless(&kept.to_string_lossy());
            text.push_str(&format!("  what was damaged is kept: {kept}\n"));
        }
        for lost in &self.lost {
            text.push_str(&format!("  lost: {lost}\n"));
        }
        text
    }

    fn word(&self) -> Option<String> {
        Some(self.done.to_owned())
    }
}

impl Document for PoolRecovery {
    fn text(&self, _: &Page) -> String {
        let (name, at) = (&self.name, self.transaction);
        let mut text = match (self.done, self.recorded_transaction) {
            (true, Some(had)) => format!(
                "pool {name} is taken as it is, at transaction {at} (the catalogue had {had})\n"
            ),
            (false, Some(had)) => format!(
                "pool {name} is at transaction {at}, the catalogue has {had}; nothing was changed\n"
            ),
            (true, None) => format!("pool {name} is known again, at transaction {at}\n"),
            (false, None) => {
                format!("there is a pool, at transaction {at}; nothing was changed\n")
            }
        };
        if self.recorded_transaction.is_some() {
            text.push_str(&format!("  {} volumes are what they were\n", self.proven));
        }
        for lost in &self.lost {
            text.push_str(&format!("  lost: {lost}\n"));
        }
        for volume in &self.unknown {
            text.push_str(&format!("  not in the catalogue: {}\n", told(volume)));
        }
        text
    }

    fn word(&self) -> Option<String> {
        Some(self.transaction.to_string())
    }
}

fn told(volume: &PoolVolume) -> String {
    let mut text = format!("volume {}, with {}", volume.id, bytes(volume.bytes));
    match (&volume.filesystem, &volume.image) {
        _ if volume.unreadable => text.push_str(", which cannot be read"),
        (_, Some(image)) => text.push_str(&format!(", as of {}", harmless(image))),
        (Some(uuid), None) => text.push_str(&format!(", ext4 {uuid}")),
        (None, None) => {}
    }
    text
}

impl Document for PoolSaved {
    fn text(&self, _: &Page) -> String {
        format!(
            "volume {} is in {}, {} of {} written\n",
            self.id,
            harmless(&self.file.to_string_lossy()),
            bytes(self.written_bytes),
            bytes(self.bytes)
        )
    }

    fn word(&self) -> Option<String> {
        Some(self.file.to_string_lossy().into_owned())
    }
}

impl Document for PoolTrim {
    fn text(&self, _: &Page) -> String {
        let free = bytes(self.free_bytes);
        match self.given_back_bytes {
            Some(given) => format!(
                "{} given back to the filesystem; {free} of pool {} are free\n",
                bytes(given),
                self.name
            ),
            None => format!("{free} of pool {} are free, and discarded\n", self.name),
        }
    }

    fn word(&self) -> Option<String> {
        Some(self.free_bytes.to_string())
    }
}

fn part(part: &PoolPart) -> String {
    let kind = match part.kind {
        "device" => "",
        "thick-file" => "preallocated file ",
        _ => "sparse file ",
    };
    let total = bytes(part.space.total_bytes);
    let room = match part.space.used_bytes {
        Some(used) => format!("{} of {total} used", bytes(used)),
        None => total,
    };
    let group = part.group.as_ref().map(|group| {
        format!(
            "; {} free in group {}",
            bytes(group.free_bytes),
            harmless(&group.name)
        )
    });
    format!(
        "{kind}{}, {room}{}",
        harmless(&part.path.to_string_lossy()),
        group.unwrap_or_default()
    )
}
