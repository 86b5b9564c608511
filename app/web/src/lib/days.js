// An account's statement by days: what is shown of the gateway's rows.

/**
 * Columns in their order. `money` and `energy` make a row's figure; money that left is negative.
 * The money of all columns but the first adds up to the first.
 */
export const COLUMNS = [
  { name: "Change", money: (row) => row.balance_change },
  { name: "Paid in", money: (row) => row.deposited },
  { name: "Taken out", money: (row) => -row.withdrawn },
  { name: "Sold to neighbours", money: (row) => row.earned, energy: (row) => row.sold_wh },
  { name: "Bought from neighbours", money: (row) => -row.paid, energy: (row) => row.bought_wh },
  {
    name: "For energy that was missing",
    money: (row) => row.compensation_received - row.compensation_paid,
  },
  { name: "Penalties", money: (row) => -row.penalties },
  { name: "Sold to the grid", money: (row) => row.grid_earned, energy: (row) => row.grid_sold_wh },
  {
    name: "Bought from the grid",
    money: (row) => -row.grid_paid,
    energy: (row) => row.grid_bought_wh,
  },
  { name: "Fed in", energy: (row) => row.exported_wh },
  { name: "Drawn", energy: (row) => row.imported_wh },
];

/** Whether anything is to be told of a day. */
export const eventful = (row) =>
  COLUMNS.some((column) => column.money?.(row) || column.energy?.(row));

/** A day (ISO, of UTC) as seconds at its noon, which is that day in Europe, too. */
export const noonOf = (day) => Date.parse(`${day}T12:00:00Z`) / 1000;
