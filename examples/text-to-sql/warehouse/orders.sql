CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, placed TEXT, euros REAL);
INSERT INTO customers VALUES (1, 'Alva', 'Bergen'), (2, 'Tomas', 'Porto'), (3, 'Jun', 'Bergen');
INSERT INTO orders VALUES
  (1, 1, '2026-01-12', 40), (2, 1, '2026-02-03', 25), (3, 2, '2026-02-20', 90), (4, 3, '2026-02-27', 10);
