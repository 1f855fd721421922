"""The history of the database, in the order it is applied: one file per change, never edited afterwards."""
