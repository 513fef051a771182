-- severity: error
-- title: Legacy rows without a master row
-- Written while triggers were off: the catalogue does not show them. Updating the row, even to what it is, makes the master.
SELECT i.dataset_id, i.questdb_tag, i.symbol, i.granularity, i.created_at
FROM indicator_datasets i
WHERE NOT EXISTS (SELECT FROM stage1_datasets d WHERE d.dataset_id = i.dataset_id);
