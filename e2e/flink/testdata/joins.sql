CREATE CATALOG my_fluss WITH ('type' = 'fluss', 'bootstrap.servers' = 'coordinator-server:9123');
USE CATALOG my_fluss;
CREATE TABLE fluss_order (
    order_key BIGINT, cust_key INT NOT NULL, total_price DECIMAL(15, 2), order_date DATE, ptime AS PROCTIME(),
    PRIMARY KEY (order_key) NOT ENFORCED
);
CREATE TABLE fluss_customer (cust_key INT, name STRING, nation_key INT, PRIMARY KEY (cust_key) NOT ENFORCED);
CREATE TABLE fluss_nation (nation_key INT, name STRING, PRIMARY KEY (nation_key) NOT ENFORCED);
CREATE TABLE enriched_orders (
    order_key BIGINT, cust_key INT NOT NULL, total_price DECIMAL(15, 2), order_date DATE, cust_name STRING, nation_name STRING,
    PRIMARY KEY (order_key) NOT ENFORCED
);
SET 'table.dml-sync' = 'true';
EXECUTE STATEMENT SET BEGIN
    INSERT INTO fluss_nation VALUES (1, 'de'), (2, 'fr');
    INSERT INTO fluss_customer VALUES (10, 'ann', 1), (11, 'bob', 2), (12, 'cyd', CAST(NULL AS INT));
END;
SET 'table.dml-sync' = 'false';
INSERT INTO enriched_orders
    SELECT o.order_key, o.cust_key, o.total_price, o.order_date, c.name, n.name
    FROM fluss_order o
    LEFT JOIN fluss_customer FOR SYSTEM_TIME AS OF o.ptime AS c ON o.cust_key = c.cust_key
    LEFT JOIN fluss_nation FOR SYSTEM_TIME AS OF o.ptime AS n ON c.nation_key = n.nation_key;
SET 'table.dml-sync' = 'true';
SET 'execution.runtime-mode' = 'batch';
SET 'sql-client.execution.result-mode' = 'tableau';
INSERT INTO fluss_order VALUES
    (1, 10, 1.5, DATE '2024-01-01'), (2, 11, 2.5, DATE '1969-12-31'), (3, 12, 3.5, DATE '2024-01-03'), (4, 99, 4.5, CAST(NULL AS DATE));
SELECT 'count', COUNT(*) FROM fluss_order;
SELECT 'point', name, nation_key FROM fluss_customer WHERE cust_key = 11;
UPDATE fluss_customer SET name = 'robert' WHERE cust_key = 11;
SELECT 'updated', name FROM fluss_customer WHERE cust_key = 11;
DELETE FROM fluss_order WHERE order_key = 1;
SELECT 'left', COUNT(*), COUNT(order_date), SUM(cust_key) - 89 FROM fluss_order;
DELETE FROM fluss_customer WHERE name LIKE 'cy%';
SELECT _change_type, order_key, cust_key FROM fluss_order$changelog;
SELECT _change_type, nation_key, name FROM fluss_customer$changelog WHERE cust_key = 11;
SELECT _change_type, 1, cust_key FROM fluss_customer$changelog WHERE _change_type = 'delete';
-- What the job has written by now is there soon: this waits for it.
CREATE TEMPORARY TABLE pause (n BIGINT) WITH (
    'connector' = 'datagen', 'number-of-rows' = '2', 'rows-per-second' = '1', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '2');
SELECT COUNT(*) FROM pause;
SELECT * FROM enriched_orders;
SELECT 'the end';
