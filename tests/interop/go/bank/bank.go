// Package bank is the business side of the interop suite: real accounts in a real MariaDB or
// PostgreSQL, changed behind the official client's own branch barrier.
package bank

import (
	"database/sql"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/dtm-labs/client/dtmcli"

	// The two drivers the client knows how to speak XA with.
	_ "github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq"
)

// Bank is one business database with its accounts and its barrier table.
type Bank struct {
	// Conf is what the client's XA helpers want: they open connections of their own.
	Conf dtmcli.DBConf
	DB   *sql.DB
}

// Open connects to the database of a URL (mysql://user@host:port/db or postgres://user@host:port/db)
// and creates the tables the cases need.
func Open(rawURL string) (*Bank, error) {
	conf, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open(conf.Driver, dsn(conf))
	if err != nil {
		return nil, err
	}
	for _, statement := range schemas[conf.Driver] {
		if _, err := db.Exec(statement); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", conf.Driver, statement, err)
		}
	}
	return &Bank{Conf: conf, DB: db}, nil
}

func parse(rawURL string) (dtmcli.DBConf, error) {
	parsed, err := url.Parse(rawURL)
	if err != nil {
		return dtmcli.DBConf{}, err
	}
	port, err := strconv.ParseInt(parsed.Port(), 10, 64)
	if err != nil {
		return dtmcli.DBConf{}, fmt.Errorf("%s: no port: %w", rawURL, err)
	}
	password, _ := parsed.User.Password()
	return dtmcli.DBConf{
		Driver:   parsed.Scheme,
		Host:     parsed.Hostname(),
		Port:     port,
		User:     parsed.User.Username(),
		Password: password,
		Db:       strings.TrimPrefix(parsed.Path, "/"),
		Schema:   "public",
	}, nil
}

func dsn(conf dtmcli.DBConf) string {
	if conf.Driver == dtmcli.DBTypeMysql {
		return fmt.Sprintf("%s:%s@tcp(%s:%d)/%s?interpolateParams=true", conf.User, conf.Password, conf.Host, conf.Port, conf.Db)
	}
	return fmt.Sprintf("host=%s port=%d user=%s password='%s' dbname=%s sslmode=disable", conf.Host, conf.Port, conf.User, conf.Password, conf.Db)
}

// The barrier's table is not among them: the TypeScript participant, which shares it, created it before the cases begin.
var schemas = map[string][]string{
	dtmcli.DBTypeMysql:    {accountTable},
	dtmcli.DBTypePostgres: {accountTable},
}

const accountTable = `create table if not exists account (
	id varchar(128) primary key, balance bigint not null, held bigint not null)`
