//! How many statements the busiest questions cost. The counter is the process's, so this test has it to itself in a
//! process of its own: it runs alone, as the counter of others would be counted too.
