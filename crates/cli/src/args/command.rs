//! The command as a whole: its name, its texts, and what stands below every help page.

use clap::{CommandFactory, Parser};

use super::{Global, Verb};

/// Unload container images onto disks.
#[derive(Debug, Parser)]
#[command(
    name = "longshore",
    version,
    about = "Unload container images onto disks",
    long_about = "Takes the layers of an untrusted container image out of a bucket, proves what they \
                  are, unpacks them without ever letting a name of theirs touch this host, and hands \
                  over a disk that a virtual machine can use as its root.",
    after_long_help = AFTER_HELP,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The command as clap knows it: for completions and for the command reference.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

const AFTER_HELP: &str = "\
Settings, the later wins: defaults, /etc/longshore/config.toml, \
$XDG_CONFIG_HOME/longshore/config.toml, the environment, flags. `longshore config show` prints each \
with where it comes from.

Environment: LONGSHORE_STATE_DIR, LONGSHORE_BUCKET, LONGSHORE_REGION, LONGSHORE_ENDPOINT, \
LONGSHORE_SOURCE, LONGSHORE_BACKEND, LONGSHORE_DEVICES, LONGSHORE_MAX_RETRIES, LONGSHORE_IMAGES_AT_ONCE, LONGSHORE_INFLATE_AHEAD, LONGSHORE_VOLUME_SIZE, LONGSHORE_POOL_OVERCOMMIT, \
LONGSHORE_CONFIG, and LONGSHORE_ before the name of each limit and each setting of scanning that `config show` \
has (LONGSHORE_MAX_FILE_SIZE, LONGSHORE_SCANNER, LONGSHORE_TRIVY); NO_COLOR. Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; without them requests \
are anonymous.

Output: results on standard output, progress and errors on standard error. With `-o json` a command \
that is given one thing prints one object, with several an array in their order; an error is printed \
as {\"schema\":1,\"error\":{...}} on standard output.

Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 partly done, 4 not authorised, 5 not \
found, 6 refused (a limit, a rule for archives, a changed object, a wrong digest), 7 busy, 8 disk \
full, 130 interrupted, 143 terminated. Treat any other as failed.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        command().debug_assert();
    }
}
