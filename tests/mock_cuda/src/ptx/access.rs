//! What touches memory, lane by lane.

use super::Fault;
use super::address::of_lane;
use super::instruction::{Address, Kind, View};
use super::registers::lanes_of;
use super::rows::{ALL, LANES};
use super::warp::{Common, Warp};
use super::{copies, tensor};
use crate::code::Code;

impl Warp {
    /// What touches memory, lane by lane.
    pub fn access(&mut self, kind: &Kind, active: u32, common: &mut Common<'_>) -> Result<(), Fault> {
        match kind {
            Kind::Test { .. } => self.registers.test(kind, active),
            Kind::Insert { apply, to, from } => {
                let [a, b, c, d] = from.map(|place| self.registers.words[place as usize]);
                self.registers.set_word(*to, std::array::from_fn(|i| apply(a[i], b[i], c[i], d[i])), active);
            }
            Kind::Parameter { to, offset, view } => {
                // SAFETY: the decoder has seen that it is inside.
                let value = unsafe { read(common.parameters.as_ptr().add(*offset), *view) };
                lanes_of(active).for_each(|lane| self.registers.put(*to, lane, value));
            }
            Kind::Load { to, count, view, address } => {
                for lane in lanes_of(active) {
                    let from = self.find(address, lane, count * view.bytes, common)?;
                    for (index, register) in to[..*count].iter().enumerate() {
                        // SAFETY: just looked up.
                        let value = unsafe { read(from.add(index * view.bytes), *view) };
                        self.registers.put(*register, lane, value);
                    }
                }
            }
            Kind::Store { from, count, view, address } => {
                for lane in lanes_of(active) {
                    let to = self.find(address, lane, count * view.bytes, common)?;
                    for (index, register) in from[..*count].iter().enumerate() {
                        // SAFETY: just looked up.
                        unsafe { write(to.add(index * view.bytes), *view, self.registers.get(*register, lane)) };
                    }
                }
            }
            Kind::Atomic { change, to, operand, compared, view, address } => {
                for lane in lanes_of(active) {
                    let place = self.find(address, lane, view.bytes, common)?;
                    let compared = compared.map_or(0, |register| self.registers.get(register, lane));
                    // SAFETY: just looked up; one thread at a time.
                    unsafe {
                        let old = read(place, *view);
                        write(
                            place,
                            *view,
                            change.apply(old, self.registers.get(*operand, lane), compared, view.bytes),
                        );
                        if let Some(to) = to {
                            self.registers.put(*to, lane, old);
                        }
                    }
                }
            }
            Kind::Multiply { d, a, b, c } => {
                let words = &self.registers.words;
                let sums = tensor::multiply(
                    a.map(|place| &words[place as usize]),
                    b.map(|place| &words[place as usize]),
                    c.map(|place| &words[place as usize]),
                );
                d.iter().zip(sums).for_each(|(to, sums)| self.registers.set_word(*to, sums, active));
            }
            Kind::Matrices { to, transposed, row } => self.matrices(to, *transposed, row, common)?,
            Kind::Fetch { to, from, size } => {
                for lane in lanes_of(active) {
                    let to = self.find(to, lane, copies::BYTES, common)?;
                    let from = match self.registers.words[*size as usize][lane] {
                        0 => std::ptr::null(),
                        16 => self.find(from, lane, copies::BYTES, common)?.cast_const(),
                        size => return Err(Fault::new(Code::INVALID_PTX, format!("{size} of 16 bytes"))),
                    };
                    // SAFETY: just looked up; memory lives as long as the launch, whose end nothing outlives.
                    unsafe { self.copies[lane].fetch(to, from) };
                }
            }
            Kind::Commit => lanes_of(active).for_each(|lane| self.copies[lane].commit()),
            Kind::Wait { left } => lanes_of(active).for_each(|lane| self.copies[lane].wait(*left)),
            _ => return Err(Fault::new(Code::INVALID_PTX, "an instruction that nobody carries out")),
        }
        Ok(())
    }

    fn matrices(
        &mut self,
        to: &[u32; 4],
        transposed: bool,
        row: &Address,
        common: &mut Common<'_>,
    ) -> Result<(), Fault> {
        let mut matrices = [[[0u16; 8]; 8]; 4];
        for lane in 0..LANES {
            let from = self.find(row, lane, 16, common)?.cast::<[u16; 8]>();
            // SAFETY: just looked up.
            matrices[lane / 8][lane % 8] = unsafe { from.read_unaligned() };
        }
        for (to, matrix) in to.iter().zip(&matrices) {
            self.registers.set_word(*to, tensor::distribute(matrix, transposed), ALL);
        }
        Ok(())
    }

    #[inline(always)]
    fn find(
        &mut self,
        address: &Address,
        lane: usize,
        bytes: usize,
        common: &mut Common<'_>,
    ) -> Result<*mut u8, Fault> {
        let base = address.base.map_or(0, |register| self.registers.get(register, lane));
        let at = base.wrapping_add(address.offset);
        let mut local = of_lane(&mut self.local, lane);
        let found = common.spaces.find(address.window, at, bytes, &mut local);
        found.map_err(|fault| Fault { message: format!("lane {lane}: {}", fault.message), ..fault })
    }
}

/// # Safety
/// There are that many bytes.
#[inline(always)]
unsafe fn read(from: *const u8, view: View) -> u64 {
    // SAFETY: the caller's promise.
    unsafe {
        match (view.bytes, view.signed) {
            (1, false) => u64::from(from.read()),
            (1, true) => from.cast::<i8>().read() as u64,
            (2, false) => u64::from(from.cast::<u16>().read_unaligned()),
            (2, true) => from.cast::<i16>().read_unaligned() as u64,
            (4, false) => u64::from(from.cast::<u32>().read_unaligned()),
            (4, true) => from.cast::<i32>().read_unaligned() as u64,
            _ => from.cast::<u64>().read_unaligned(),
        }
    }
}

/// # Safety
/// There are that many bytes.
#[inline(always)]
unsafe fn write(to: *mut u8, view: View, value: u64) {
    // SAFETY: the caller's promise.
    unsafe { to.copy_from_nonoverlapping(value.to_le_bytes().as_ptr(), view.bytes) };
}
