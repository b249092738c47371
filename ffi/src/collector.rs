//! Samples as they are finished, taken in by the order of their chains.

use crate::folder::Folder;
use crate::sampler_options::rwt_sampler_options;
use crate::status::{Failure, zeros};
use rwt_core::{Histogram, Moments};
use std::collections::BTreeMap;

/// What a run leaves behind.
#[derive(Default)]
pub(crate) struct Results {
    /// The images that are kept, by the chain's number.
    pub samples: Vec<Option<Vec<f32>>>,
    /// How many chains have an image: the finished ones, and of a cancelled run those that had begun.
    pub started: u32,
    /// How many chains were finished.
    pub finished: u32,
    /// How many images the moments are over: the finished ones, or if there are none those that began.
    pub averaged: u32,
    pub mean: Vec<f64>,
    pub squares: Vec<f64>,
    /// See [`Histogram`]; empty if there is none.
    pub counts: Vec<u16>,
    /// What was measured, as the walk took it.
    pub y: Vec<f32>,
    /// The largest that a solve left of its equation.
    pub solver: f64,
    /// The last noise level over what it should be at most.
    pub coarse: f64,
}

impl Results {
    /// Room for a run.
    pub fn new(options: &rwt_sampler_options, length: usize) -> Result<Self, Failure> {
        let counts = if options.bins == 0 { 0 } else { length.saturating_mul(options.bins as usize + 2) };
        Ok(Self {
            samples: zeros(options.chains as usize)?,
            mean: zeros(length)?,
            squares: zeros(length)?,
            counts: zeros(counts)?,
            ..Self::default()
        })
    }
}

/// Takes in images for as long as a run lasts.
pub(crate) struct Collector<'a> {
    keep: u32,
    samples: &'a mut [Option<Vec<f32>>],
    moments: Moments<'a>,
    histogram: Option<Histogram<'a>>,
    folder: Option<&'a Folder>,
    length: usize,
    /// The first chain that was not taken in.
    next: usize,
    finished: u32,
    /// Finished chains behind one that is not; `None` for those that the folder has.
    waiting: BTreeMap<usize, Option<Vec<f32>>>,
    /// Where chains that were cancelled stood.
    estimates: BTreeMap<usize, Vec<f32>>,
}

impl<'a> Collector<'a> {
    pub fn new(
        options: &rwt_sampler_options,
        results: &'a mut Results,
        folder: Option<&'a Folder>,
    ) -> Result<Self, Failure> {
        let length = results.mean.len();
        let histogram = if results.counts.is_empty() {
            None
        } else {
            let (low, high, bins) = (options.bins_low, options.bins_high, options.bins as usize);
            Some(Histogram::new(length, low, high, bins, &mut results.counts)?)
        };
        Ok(Self {
            keep: options.keep,
            samples: &mut results.samples,
            moments: Moments::new(&mut results.mean, &mut results.squares)?,
            histogram,
            folder,
            length,
            next: 0,
            finished: 0,
            waiting: BTreeMap::new(),
            estimates: BTreeMap::new(),
        })
    }

    /// The first chain that was not taken in.
    pub fn next(&self) -> usize {
        self.next
    }

    /// A finished chain's image; `None`: it is in the folder.
    pub fn finished(&mut self, chain: usize, image: Option<Vec<f32>>) -> Result<(), Failure> {
        // one that has to wait is read again when its turn comes
        let image = image.filter(|_| chain == self.next || self.folder.is_none());
        self.waiting.insert(chain, image);
        while let Some(image) = self.waiting.remove(&self.next) {
            let chain = self.next;
            self.next += 1;
            self.take_in(chain, image)?;
        }
        Ok(())
    }

    /// The newest denoised image of a chain that was cancelled.
    pub fn cancelled(&mut self, chain: usize, image: Vec<f32>) {
        self.estimates.insert(chain, image);
    }

    /// Take in what is left, behind chains that were not finished: (started, finished, averaged).
    pub fn end(mut self) -> Result<(u32, u32, u32), Failure> {
        while let Some((chain, image)) = self.waiting.pop_first() {
            self.take_in(chain, image)?;
        }
        let (finished, started) = (self.finished, self.finished + self.estimates.len() as u32);
        while let Some((chain, image)) = self.estimates.pop_first() {
            if finished == 0 {
                self.average(&image)?;
            }
            self.keep(chain, image);
        }
        Ok((started, finished, self.moments.count() as u32))
    }

    fn take_in(&mut self, chain: usize, image: Option<Vec<f32>>) -> Result<(), Failure> {
        let image = match (image, self.folder) {
            (Some(image), _) => image,
            (None, Some(folder)) => {
                let mut image = zeros(self.length)?;
                folder.read_sample(chain, &mut image)?;
                image
            }
            (None, None) => return Ok(()),
        };
        self.average(&image)?;
        self.finished += 1;
        self.keep(chain, image);
        Ok(())
    }

    fn keep(&mut self, chain: usize, image: Vec<f32>) {
        if self.keep > 0 && chain.is_multiple_of(self.keep as usize) {
            self.samples[chain] = Some(image);
        }
    }

    fn average(&mut self, image: &[f32]) -> Result<(), Failure> {
        self.histogram.as_mut().map_or(Ok(()), |histogram| histogram.add(image))?;
        self.moments.add(image)?;
        Ok(())
    }
}
