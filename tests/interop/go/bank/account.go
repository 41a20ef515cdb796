package bank

import (
	"fmt"

	"github.com/dtm-labs/client/dtmcli"
	"github.com/dtm-labs/client/dtmcli/dtmimp"
)

// Account is one row of the account table. Every case has accounts of its own, so that cases run side by side.
type Account struct {
	Bank *Bank
	ID   string
}

// Funds is what an account has: money to spend, and money held by an unfinished try.
type Funds struct{ Balance, Held int }

// OpenAccount creates an account with some money in it.
func (b *Bank) OpenAccount(id string, balance int) (Account, error) {
	_, err := dtmimp.DBExec(b.Conf.Driver, b.DB, "insert into account (id, balance, held) values (?, ?, 0)", id, balance)
	return Account{Bank: b, ID: id}, err
}

// Change adds to the balance and to what is held, inside the business transaction it is given.
// Neither may go below zero: that is the business failure of this bank, and it rolls the transaction back.
func (a Account) Change(tx dtmcli.DB, balance, held int) error {
	affected, err := dtmimp.DBExec(a.Bank.Conf.Driver, tx,
		"update account set balance = balance + ?, held = held + ? where id = ? and balance + ? >= 0 and held + ? >= 0",
		balance, held, a.ID, balance, held)
	if err == nil && affected == 0 {
		return fmt.Errorf("account %s has not enough money: %w", a.ID, dtmcli.ErrFailure)
	}
	return err
}

// Funds reads what is committed, as any other client of the bank sees it.
func (a Account) Funds() (Funds, error) {
	var funds Funds
	query := dtmimp.GetDBSpecial(a.Bank.Conf.Driver).GetPlaceHoldSQL("select balance, held from account where id = ?")
	err := a.Bank.DB.QueryRow(query, a.ID).Scan(&funds.Balance, &funds.Held)
	return funds, err
}
