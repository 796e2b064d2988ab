CREATE TEMPORARY TABLE source_order (
    `order_key` BIGINT, `cust_key` INT NOT NULL, `total_price` DECIMAL(15, 2), `order_date` DATE,
    `order_priority` STRING, `clerk` STRING
) WITH (
    'connector' = 'datagen', 'number-of-rows' = '1000',
    'fields.order_key.kind' = 'sequence', 'fields.order_key.start' = '1', 'fields.order_key.end' = '1000',
    'fields.order_priority.length' = '8', 'fields.clerk.length' = '8'
);
SET 'table.dml-sync' = 'true';

CREATE CATALOG my_fluss WITH ('type' = 'fluss', 'bootstrap.servers' = 'coordinator-server:9123');
USE CATALOG my_fluss;
CREATE TABLE fluss_order (
    `order_key` BIGINT, `cust_key` INT NOT NULL, `total_price` DECIMAL(15, 2), `order_date` DATE,
    `order_priority` STRING, `clerk` STRING, `ptime` AS PROCTIME(), PRIMARY KEY (`order_key`) NOT ENFORCED
);
EXECUTE STATEMENT SET BEGIN
    INSERT INTO fluss_order SELECT * FROM `default_catalog`.`default_database`.source_order;
END;
SET 'sql-client.execution.result-mode' = 'tableau';
SET 'execution.runtime-mode' = 'batch';
SELECT * FROM fluss_order LIMIT 2;
