//! Takes away from this process all that a Jsonnet has no use for.
use super::frame::Sandbox;
use rlimit::Resource;

/// Address space: the program itself, and a result with all that leads to it.
const MEMORY: u64 = 512 << 20;
/// Seconds of processor time in a whole life; a child retires long before.
const TIME: u64 = 60;

/// No files and no network, as far as the kernel knows how. Before there is a second thread.
pub(super) fn shut_in() -> Sandbox {
    #[cfg(target_os = "linux")]
    {
        landlock().unwrap_or(Sandbox::None)
    }
    #[cfg(not(target_os = "linux"))]
    Sandbox::None
}

#[cfg(target_os = "linux")]
fn landlock() -> Result<Sandbox, landlock::RulesetError> {
    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
    const NEWEST: ABI = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Sandbox::Whole,
        RulesetStatus::PartiallyEnforced => Sandbox::Part,
        RulesetStatus::NotEnforced => Sandbox::None,
    })
}

/// Bounds that cannot be raised again. Nothing can be opened from here on, sockets included; no thread is started where
/// the kernel counts them.
pub(super) fn bound() {
    for (resource, most) in [
        (Resource::AS, MEMORY),
        (Resource::CPU, TIME),
        (Resource::CORE, 0),
        (Resource::FSIZE, 0),
        (Resource::NOFILE, 0),
        (Resource::NPROC, 0),
    ] {
        // Where a bound is lower already, or unknown, the others hold.
        let _ = resource.set(most, most);
    }
}
