//! What was found, for people: charts, tables, the experiment log, a Markdown report. Reads records;
//! computes no result of its own.
