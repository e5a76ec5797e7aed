//! An alarm, made.

use super::super::{AlarmLevel, PoolAlarm};

pub(super) fn critical(name: &'static str, text: String, hint: &str) -> PoolAlarm {
    PoolAlarm {
        name,
        level: AlarmLevel::Critical,
        text,
        hint: hint.to_owned(),
    }
}

pub(super) fn warning(name: &'static str, text: String, hint: &str) -> PoolAlarm {
    PoolAlarm {
        level: AlarmLevel::Warning,
        ..critical(name, text, hint)
    }
}
