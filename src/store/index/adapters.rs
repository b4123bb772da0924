//! The adapters in the index, with their ratings: for lists and for whoever asks the database. The files in
//! `adapters/` are the truth, and every list of adapters brings this up to date.

use super::Index;
use crate::store::error::Result;
use rusqlite::params;
use std::collections::BTreeMap;

/// One adapter as the index holds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AdapterRow {
    pub name: String,
    pub state: String,
    pub base: Option<String>,
    pub created: Option<String>,
    pub parent: Option<String>,
    pub data_sha256: Option<String>,
    /// The gate's verdict in the last comparison with base.
    pub verdict: Option<String>,
    /// The same over the person's own corrections.
    pub own_work: Option<String>,
    pub ratings: ArmStars,
}

/// How an arm was rated, over all sessions that were answered here.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ArmStars {
    pub ratings: usize,
    /// None without ratings.
    pub mean: Option<f64>,
}

impl Index {
    /// The ratings of every arm.
    ///
    /// # Errors
    /// An index that cannot be read.
    pub fn arm_stars(&self) -> Result<BTreeMap<String, ArmStars>> {
        let query = "SELECT arm, count(stars), avg(stars) FROM session \
                     WHERE arm IS NOT NULL AND stars IS NOT NULL GROUP BY arm";
        let told = |error| self.told(error);
        let mut statement = self.connection.prepare_cached(query).map_err(told)?;
        let rows = statement
            .query_map([], |row| {
                let ratings = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
                Ok((row.get(0)?, ArmStars { ratings, mean: row.get(2)? }))
            })
            .map_err(told)?;
        rows.collect::<rusqlite::Result<_>>().map_err(told)
    }

    /// Replaces what the index holds of the adapters.
    ///
    /// # Errors
    /// An index that cannot be written.
    pub fn set_adapters(&mut self, adapters: &[AdapterRow]) -> Result<()> {
        let path = self.path.clone();
        let told = |error| super::database::explain(&path, error);
        let transaction = self.connection.transaction().map_err(told)?;
        transaction.execute("DELETE FROM adapter", []).map_err(told)?;
        for adapter in adapters {
            transaction
                .execute(
                    "INSERT INTO adapter VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    params![
                        adapter.name,
                        adapter.state,
                        adapter.base,
                        adapter.created,
                        adapter.parent,
                        adapter.data_sha256,
                        adapter.verdict,
                        adapter.own_work,
                        i64::try_from(adapter.ratings.ratings).unwrap_or(i64::MAX),
                        adapter.ratings.mean,
                    ],
                )
                .map_err(told)?;
        }
        transaction.commit().map_err(told)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::{Home, Outcome, Stars, logs};

    // If this fails, the list of adapters shows other ratings than were given.
    #[test]
    fn adapters_are_kept_with_the_ratings_of_their_sessions() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let mut index = Index::open(&home).unwrap();
        for (arm, stars) in [("lora-v1", 5), ("lora-v1", 2), ("base", 1)] {
            let mut session = logs::create(&home, "t").unwrap();
            session.record_mut().arm = Some(arm.into());
            session.record_mut().outcome = Some(Outcome::Finished);
            session.metadata.user_rating = Stars::try_from(stars).ok();
            logs::save(&home, &session).unwrap();
            index.upsert(&session).unwrap();
        }
        let stars = index.arm_stars().unwrap();
        assert_eq!(stars["lora-v1"], ArmStars { ratings: 2, mean: Some(3.5) });
        let row = |name: &str, stars: Option<&ArmStars>| AdapterRow {
            name: name.into(),
            state: "candidate".into(),
            ratings: stars.copied().unwrap_or_default(),
            ..AdapterRow::default()
        };
        let rows =
            [row("lora-v2", None), row("lora-v10", None), row("lora-v1", stars.get("lora-v1"))];
        index.set_adapters(&rows).unwrap();
        index.set_adapters(&rows).unwrap();
        let query = "SELECT name || ' ' || state || ' ' || ratings || ' ' || ifnull(stars, '-') \
                     FROM adapter ORDER BY length(name), name";
        let mut statement = index.connection.prepare(query).unwrap();
        let kept = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let kept: Vec<String> = kept.map(std::result::Result::unwrap).collect();
        let told = ["lora-v1 candidate 2 3.5", "lora-v2 candidate 0 -", "lora-v10 candidate 0 -"];
        assert_eq!(kept, told);
    }
}
