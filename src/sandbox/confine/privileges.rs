//! Takes from root what makes it root. Only what concerns the owners of files stays, since a workspace
//! may belong to another user than the one that a container runs as; which files, Landlock decides.

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

/// No process below gets more than this, whatever program it starts.
pub fn drop_all() -> rustix::io::Result<()> {
    set_no_new_privs(true)?;
    let kept = CapabilitySet::CHOWN | CapabilitySet::DAC_OVERRIDE | CapabilitySet::FOWNER;
    let present = capabilities(None)?;
    if present.effective.contains(CapabilitySet::SETPCAP) {
        for capability in CapabilitySet::all().iter().filter(|one| !kept.contains(*one)) {
            // A system that does not know it has none to give.
            let _ = remove_capability_from_bounding_set(capability);
        }
    }
    let left = present.permitted & kept;
    set_capabilities(
        None,
        CapabilitySets { effective: left, permitted: left, inheritable: CapabilitySet::empty() },
    )
}
