//! What this build calls itself.

/// The version.
pub const VERSION: &str = match option_env!("KRATOS_BUILD_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};
/// The commit it was built from; empty if the build was not told.
pub const COMMIT: &str = match option_env!("KRATOS_BUILD_COMMIT") {
    Some(commit) => commit,
    None => "",
};
/// When it was built; empty if the build was not told.
pub const TIME: &str = match option_env!("KRATOS_BUILD_TIME") {
    Some(time) => time,
    None => "",
};
