//! What Rust asks for on a machine without an operating system.

/// A panic stops the machine where it is: there is nobody to tell. It is a fault of the library, as in the functions with
/// std, which answer RWT_ERR_INTERNAL.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
