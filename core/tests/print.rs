//! A walk prints itself.

mod common;

use common::{rows, table};
use rwt_core::recipes::{self, DdpmVariance};
use rwt_core::{Outside, TimeMap, Walk};

#[test]
fn a_table_shows_level_time_step_and_temperature() {
    let sigmas = table();
    let rows = rows(&|l, r| recipes::ddpm(l, DdpmVariance::Large, r), &[sigmas[999], sigmas[998]]);
    let walk = Walk::new(&rows).unwrap();
    let text = walk.table(Some(TimeMap::new(&sigmas, Outside::Refuse).unwrap())).to_string();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let names = ["row", "sigma", "t", "tau", "T", "x", "denoised", "previous", "gradient", "noise", "draw"];
    assert_eq!(lines[0], names);
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[2][..5], ["1", "157.40728", "999.00000", "495.56104", "0.49000000"]);
    assert_eq!(lines[1][3..5], ["-", "-"], "the first row has no temperature");
    assert!(text.lines().all(|line| line.len() == text.lines().next().unwrap().len()), "columns are aligned:\n{text}");
}

#[test]
fn csv_keeps_every_digit() {
    let rows = rows(&|l, r| recipes::look_ahead(l, 1.0, r), &[3.0, 1.0 / 3.0, 1e-3]);
    let csv = Walk::new(&rows).unwrap().table(None).csv().to_string();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("row,sigma,tau,T,x,denoised,previous,gradient,noise,draw"));
    let mut count = 0;
    for (index, (line, row)) in lines.zip(&rows).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), 10);
        assert_eq!(cells[0], index.to_string());
        let numbers: Vec<f64> = cells[4..9].iter().map(|cell| cell.parse().unwrap()).collect();
        assert_eq!(numbers, [row.x, row.denoised, row.previous, row.gradient, row.noise]);
        assert_eq!(cells[9], row.draw.to_string());
        if row.denoised != 0.0 {
            assert_eq!(cells[1].parse(), Ok(row.sigma));
        }
        count += 1;
    }
    assert_eq!(count, rows.len());
    assert_eq!(Walk::new(&rows).unwrap().to_string().lines().count(), rows.len() + 1);
}
