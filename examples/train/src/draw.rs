//! A small picture to draw on.

use crate::Result;
use std::path::Path;

/// White, RGB, values in 0 … 1.
pub struct Canvas {
    width: usize,
    height: usize,
    planes: Vec<f32>,
}

impl Canvas {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, planes: vec![1.0; 3 * width * height] }
    }

    /// Colour a pixel; what lies outside is left out.
    pub fn dot(&mut self, x: f64, y: f64, colour: [f32; 3]) {
        if x >= 0.0 && y >= 0.0 && (x as usize) < self.width && (y as usize) < self.height {
            for (channel, value) in colour.into_iter().enumerate() {
                self.planes[(channel * self.height + y as usize) * self.width + x as usize] = value;
            }
        }
    }

    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], colour: [f32; 3]) {
        let steps = (to[0] - from[0]).abs().max((to[1] - from[1]).abs()).ceil().max(1.0);
        for k in 0..=steps as usize {
            let t = k as f64 / steps;
            self.dot(from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1]), colour);
        }
    }

    /// A square of one colour with its corner at (x, y).
    pub fn square(&mut self, x: usize, y: usize, side: usize, colour: [f32; 3]) {
        for row in y..y + side {
            for column in x..x + side {
                self.dot(column as f64, row as f64, colour);
            }
        }
    }

    pub fn save(&self, path: &Path) -> Result<()> {
        Ok(rwt_picture::write_png(path, &self.planes, [3, self.height, self.width], 0.0, 1.0)?)
    }
}
