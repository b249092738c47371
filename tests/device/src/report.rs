//! A table of what was found.

/// What was found, a row each.
#[derive(Default)]
pub struct Report {
    failed: usize,
}

impl Report {
    /// The table's head.
    pub fn begin(device: &rwt_cuda::DeviceInfo) -> Self {
        let (major, minor) = device.capability;
        println!("{}, compute capability {major}.{minor}, {} MiB\n", device.name, device.memory >> 20);
        println!("| what | found | bar | |\n| --- | ---: | ---: | --- |");
        Self::default()
    }

    /// A figure that must be at most its bar.
    pub fn at_most(&mut self, what: &str, found: f64, bar: f64) {
        self.row(what, format!("{found:.3e}"), format!("≤ {bar:.0e}"), found <= bar);
    }

    /// A figure that must be at least its bar.
    pub fn at_least(&mut self, what: &str, found: f64, bar: f64) {
        self.row(what, format!("{found:.3}"), format!("≥ {bar}"), found >= bar);
    }

    /// A figure without a bar.
    pub fn figure(&self, what: &str, found: &str) {
        println!("| {what} | {found} | | |");
    }

    fn row(&mut self, what: &str, found: String, bar: String, holds: bool) {
        self.failed += usize::from(!holds);
        println!("| {what} | {found} | {bar} | {} |", if holds { "pass" } else { "FAIL" });
    }

    /// How many failed.
    pub fn failed(&self) -> usize {
        self.failed
    }
}

/// ‖a − b‖/‖b‖.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |v: f64| v * v;
    let difference: f64 = a.iter().zip(b).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    (difference / b.iter().map(|b| square(f64::from(*b))).sum::<f64>()).sqrt()
}
