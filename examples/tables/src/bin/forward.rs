//! Draws the forward process of a picture for the linear and the cosine schedule, as the network sees it (x_t = √ᾱ_t x):
//! `cargo run --release -p rwt-tables --bin forward -- [picture.png [forward.png]]`.

use rwt_core::vp::Betas;
use rwt_core::{Step, recipes, update};
use rwt_picture::{CHANNELS, Picture, write_png};
use std::path::Path;

const SIDE: usize = 160;
const TIMES: [usize; 7] = [0, 50, 150, 300, 500, 700, 999];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.len() > 2 || arguments.iter().any(|a| a == "--help" || a == "-h") {
        println!("usage: forward [picture.png [forward.png]]");
        return Ok(());
    }
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../c_inpaint/astronaut.png");
    let mut picture = Picture::read(Path::new(arguments.first().map_or(default, String::as_str)), -1.0, 1.0)?;
    picture.square(SIDE)?;
    let side = picture.width;
    let rows = [Betas::Linear { first: 1e-4, last: 0.02 }, Betas::Cosine];
    let (width, height) = (side * TIMES.len(), side * rows.len());
    let mut sheet = vec![1f32; CHANNELS * width * height];
    for (row, betas) in rows.iter().enumerate() {
        for (column, image) in process(betas, &picture.pixels)?.iter().enumerate() {
            for (index, value) in image.iter().enumerate() {
                let (channel, y, x) = (index / (side * side), index / side % side, index % side);
                sheet[(channel * height + row * side + y) * width + column * side + x] = value.clamp(-1.0, 1.0);
            }
        }
    }
    let out = arguments.get(1).map_or("forward.png", String::as_str);
    write_png(Path::new(out), &sheet, [CHANNELS, height, width], -1.0, 1.0)?;
    println!("{out}: above the linear, below the cosine schedule, t = {TIMES:?} of 1000");
    Ok(())
}

/// The picture at [`TIMES`], each from the one before.
fn process(betas: &Betas<'_>, clean: &[f32]) -> Result<Vec<Vec<f32>>, Box<dyn std::error::Error>> {
    let mut table = [0.0; 1000];
    betas.sigmas(&mut table)?;
    let mut levels = vec![0.0];
    levels.extend(TIMES.map(|t| table[t]));
    let mut steps = [Step::default(); TIMES.len()];
    recipes::forward(&levels, &mut steps)?;
    let mut x = clean.to_vec();
    let mut images = Vec::new();
    for step in &steps {
        update(step, 1, 0, &mut x, &[], &[], &[])?;
        let scale = 1.0 / (1.0 + step.sigma * step.sigma).sqrt(); // √ᾱ
        images.push(x.iter().map(|v| (f64::from(*v) * scale) as f32).collect());
    }
    Ok(images)
}
