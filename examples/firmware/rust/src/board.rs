//! QEMU's machine: text and the exit by semihosting, time by the clock, the stack by paint.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};
use cortex_m_rt::exception;

const PAINT: u32 = 0x5a5a_5a5a;
/// The deepest stack that is painted.
const DEEP: u32 = 8 << 10;
const CLOCK: *mut u32 = 0xe000_e010 as *mut u32;

static WRAPS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    WRAPS.fetch_add(1, Ordering::Relaxed);
}

fn semihosting(operation: u32, argument: *const u32) {
    // SAFETY: QEMU reads what the operation says that the argument points to.
    unsafe { asm!("bkpt 0xab", inout("r0") operation => _, in("r1") argument, options(nostack)) };
}

/// Write a text.
pub fn print(text: &[u8]) {
    for byte in text {
        semihosting(3, core::ptr::from_ref(byte).cast()); // SYS_WRITEC
    }
}

/// End with this code.
pub fn leave(code: u32) -> ! {
    semihosting(0x20, [0x20026, code].as_ptr()); // SYS_EXIT_EXTENDED
    loop {
        core::hint::spin_loop();
    }
}

/// Let the clock run.
pub fn start_clock() {
    // SAFETY: the three registers of SysTick: reload, value, control.
    unsafe {
        CLOCK.add(1).write_volatile(0x00ff_ffff);
        CLOCK.add(2).write_volatile(0);
        CLOCK.write_volatile(7);
    }
}

/// Time since then, 40 instructions a tick: with -icount shift=0 one takes 1 ns, and the clock has 25 MHz.
pub fn ticks() -> u32 {
    loop {
        let before = WRAPS.load(Ordering::Relaxed);
        // SAFETY: SysTick's value.
        let ticks = 0x0100_0000 - unsafe { CLOCK.add(2).read_volatile() };
        if WRAPS.load(Ordering::Relaxed) == before {
            return (before << 24).wrapping_add(ticks);
        }
    }
}

/// Where the stack is now.
fn here() -> u32 {
    let here;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) here, options(nomem, nostack)) };
    here
}

unsafe extern "C" {
    static _stack_start: u32;
}

fn top() -> u32 {
    &raw const _stack_start as u32
}

/// Paint what the stack does not use now.
#[inline(never)]
pub fn paint() {
    let mut at = top() - DEEP;
    while at < here() {
        // SAFETY: below the stack pointer, above the statics, which main.rs keeps short.
        unsafe { (at as *mut u32).write_volatile(PAINT) };
        at += 4;
    }
}

/// Bytes of the stack that were used at most since then.
pub fn stack() -> u32 {
    let mut at = top() - DEEP;
    // SAFETY: memory between the statics and the stack's top.
    while at < top() && unsafe { (at as *const u32).read_volatile() } == PAINT {
        at += 4;
    }
    top() - at
}
