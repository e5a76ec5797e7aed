//! Whether what a child says of a layer can be so. It may lie about its own bytes, but not so that whoever adds
//! up or shows what it said is harmed.

use longshore_image::{LayerReport, Limits, Listed, Totals};

/// The largest number that is taken: what is left of a limit where nobody has set one, and few enough that a
/// thousand layers' together are a number still.
const MOST: u64 = 1 << 53;

/// Whether a layer of one of ours, held to these limits, can be reported like this.
pub(super) fn is_plausible(report: &LayerReport, limits: &Limits) -> bool {
    let most = most(limits);
    let lists = [&report.devices, &report.special_modes, &report.capabilities];
    let counts = [report.stream_bytes, report.content_bytes, report.entries];
    let counters = report.counters.named().map(|(_, count)| count);
    // What is stored is not limited, but hardly more than what it inflates to.
    report.stored_bytes <= MOST
        && counts
            .into_iter()
            .chain(counters)
            .all(|count| count <= most)
        && lists.into_iter().all(|list| is_list(list, most, limits))
}

/// The same of all layers of an image.
pub(super) fn are_plausible(totals: &Totals, limits: &Limits) -> bool {
    let most = most(limits);
    let Totals {
        layers,
        entries,
        inodes,
        content_bytes,
        stream_bytes,
    } = *totals;
    layers <= limits.layers
        && [entries, inodes, content_bytes, stream_bytes]
            .into_iter()
            .all(|count| count <= most)
}

fn is_list(list: &Listed, most: u64, limits: &Limits) -> bool {
    list.count <= most && list.names.len() <= limits.listed
}

/// Everything that is counted takes a byte of an archive or of a file at least.
fn most(limits: &Limits) -> u64 {
    limits.stream_bytes.max(limits.image_bytes).min(MOST)
}
