//! Copies that go on in the background, `cp.async`: what lies at the destination is not a number until the copy's group is
//! waited for, and what is copied is what lies at the source then.

use std::collections::VecDeque;

struct Pending {
    to: *mut u8,
    /// Null for zeros.
    from: *const u8,
    group: u32,
}

/// A lane's copies.
#[derive(Default)]
pub struct Copies {
    pending: VecDeque<Pending>,
    /// Groups that are committed.
    groups: u32,
}

/// Bytes of a copy.
pub const BYTES: usize = 16;

impl Copies {
    /// # Safety
    /// There are that many bytes, until the copy is waited for.
    pub unsafe fn fetch(&mut self, to: *mut u8, from: *const u8) {
        // SAFETY: the caller's promise.
        unsafe { to.write_bytes(0xff, BYTES) };
        self.pending.push_back(Pending { to, from, group: self.groups });
    }

    pub fn commit(&mut self) {
        self.groups += 1;
    }

    /// Until at most the last `left` groups are under way.
    pub fn wait(&mut self, left: u32) {
        while let Some(Pending { to, from, .. }) =
            self.pending.pop_front_if(|pending| pending.group.saturating_add(left) < self.groups)
        {
            // SAFETY: as promised.
            unsafe {
                match from.is_null() {
                    true => to.write_bytes(0, BYTES),
                    false => to.copy_from_nonoverlapping(from, BYTES),
                }
            }
        }
    }

    /// For a new block; how many copies nobody waited for.
    pub fn clear(&mut self) -> usize {
        let left = self.pending.len();
        *self = Self::default();
        left
    }
}
