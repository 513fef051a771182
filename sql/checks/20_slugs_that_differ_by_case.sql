-- severity: warning
-- title: Slugs that differ by case alone
-- The desktop names a dataset's tables after its slug, and to QuestDB upper and lower case are the same: the next export of
-- one writes into the other's tables. Where they share a table already, measurements_with_one_name says so. Rename one.
SELECT one.dataset_id, other.dataset_id AS other_dataset_id, one.dataset_slug, other.dataset_slug AS other_slug
FROM stage1_datasets one
JOIN stage1_datasets other ON lower(other.dataset_slug) = lower(one.dataset_slug) AND other.dataset_id > one.dataset_id;
