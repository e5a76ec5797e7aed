//! Landlock: every right handled, none granted.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
};

/// The newest version that the crate knows; it asks for as much of it as the kernel has.
const NEWEST: ABI = ABI::V10;

/// Restricts this thread and those it will start.
pub(crate) fn restrict() -> Result<String, String> {
    let status = enforce().map_err(|error| error.to_string())?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotImplemented) => {
            Err("the kernel was built without it".to_owned())
        }
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            Err("the kernel has it and was not told to use it".to_owned())
        }
        (RulesetStatus::NotEnforced, LandlockStatus::Available { .. }) => {
            Err("it was not enforced".to_owned())
        }
        (_, LandlockStatus::Available { effective_abi, .. }) => {
            Ok(format!("version {}", effective_abi))
        }
        (_, status) => Err(format!("it says {status:?}")),
    }
}

fn enforce() -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .restrict_self()
}
