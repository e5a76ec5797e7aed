//! What a pool would be made of.

use longshore_volume::thin::{Part, PoolError, PoolSpec};

use crate::{Class, Failure, PoolPlace, PoolRequest, trouble::Trouble};

impl PoolRequest {
    /// What the pool would be made of.
    pub(super) fn spec(&self) -> Result<PoolSpec, Failure> {
        let spec = match &self.place {
            PoolPlace::Devices { data, metadata } => {
                let [data, metadata] = [data, metadata].map(|path| Part::device(path));
                let (data, metadata) = (
                    data.map_err(Trouble::failure)?,
                    metadata.map_err(Trouble::failure)?,
                );
                let real = |part: &Part| std::fs::canonicalize(part.path()).ok();
                if real(&data) == real(&metadata) {
                    return Err(usage("data and metadata are two devices"));
                }
                PoolSpec::on_devices(metadata, data, self.block)
            }
            PoolPlace::Files { dir, bytes, thick } => {
                // A name that leads elsewhere after a change of directory would be another file.
                let dir = std::path::absolute(dir).map_err(|source| {
                    PoolError::Part {
                        doing: "find",
                        path: dir.clone(),
                        source,
                    }
                    .failure()
                })?;
                PoolSpec::on_files(dir, self.name.as_str(), *bytes, *thick, self.block)
            }
        };
        let spec = spec.map_err(|error| usage(&error.to_string()))?;
        if spec.data_bytes() < spec.block * LEAST_BLOCKS {
            return Err(usage(&format!(
                "a pool of {} bytes is too small: it has at least {LEAST_BLOCKS} blocks of {} bytes",
                spec.data_bytes(),
                spec.block
            )));
        }
        Ok(spec)
    }
}

/// Blocks without which a pool is of no use to anybody.
const LEAST_BLOCKS: u64 = 64;

fn usage(text: &str) -> Failure {
    Failure::new(Class::Usage, "pool", text)
}
