//! Which provider runs how much of a session.

use std::ffi::{CStr, c_char};
use std::ptr;

use ort::AsPointer;
use ort::session::Session;
use ort::sys::OrtStatusPtr;

/// The configuration that makes ONNX Runtime remember it.
pub(crate) const RECORD: &str = "session.record_ep_graph_assignment_info";

/// How many parts of the network the named provider runs; `None` if ONNX Runtime does not tell.
pub(crate) fn parts_of(session: &Session, provider: &str) -> Option<usize> {
    let api = ort::api();
    let (mut parts, mut count) = (ptr::null(), 0);
    // SAFETY: a live session; two places for the answer.
    let status = unsafe { (api.Session_GetEpGraphAssignmentInfo)(session.ptr(), &raw mut parts, &raw mut count) };
    if !is_fine(status) || (parts.is_null() && count > 0) {
        return None;
    }
    let mut found = 0;
    for place in 0..count {
        let mut name: *const c_char = ptr::null();
        // SAFETY: `count` parts, which belong to the session; a place for the answer.
        let status = unsafe { (api.EpAssignedSubgraph_GetEpName)(*parts.add(place), &raw mut name) };
        // SAFETY: NULL, or a string that belongs to the part.
        if is_fine(status) && !name.is_null() && unsafe { CStr::from_ptr(name) }.to_bytes() == provider.as_bytes() {
            found += 1;
        }
    }
    Some(found)
}

/// No error; if there is one, it is freed.
fn is_fine(status: OrtStatusPtr) -> bool {
    if status.0.is_null() {
        return true;
    }
    // SAFETY: not NULL, freed once.
    unsafe { (ort::api().ReleaseStatus)(status.0) };
    false
}
