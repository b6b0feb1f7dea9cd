#!/bin/sh
# Makes the passwords and the token of the stack, once, into a folder per service. Each is a volume that no other service
# mounts, so files that everybody may read are read by one. `docker-compose down --volumes` forgets them with the data.
set -eu
umask 022
cd /run/secrets

# Letters and digits, which need no escape in a URL or in a list of users.
new_password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# For itself, as it logs in to nothing that was made with it: a stack that has passwords but no token gets one.
if [ ! -e app/admin_token ]; then
  new_password >prometheus/admin_token
  cp prometheus/admin_token app/admin_token
fi

# Written last: whoever needs a password starts after that.
[ ! -e complete/done ] || exit 0

owner=$(new_password)
reader=$(new_password)
postgres_exporter=$(new_password)
cache=$(new_password)

new_password >postgres/superuser
printf %s "$owner" >postgres/owner
printf %s "$reader" >postgres/reader
printf %s "$postgres_exporter" >postgres/exporter
printf %s "postgres://frontshelf_owner:$owner@postgres:5432/frontshelf" >catalogue/database_owner_url
printf %s "postgres://frontshelf_reader:$reader@postgres:5432/frontshelf" >app/database_url
printf %s "$postgres_exporter" >postgres-exporter/password

printf %s "redis://frontshelf:$cache@redis:6379" >app/redis_url
# Who has no password, such as the exporter, can see how Redis is, and no key.
cat >redis/users.acl <<USERS
user default on nopass -@all +ping +info +config|get +client|setname +latency|latest +latency|histogram +slowlog|len
user frontshelf on >$cache ~* &* +@all -@admin
USERS

new_password >grafana/admin_password
: >complete/done
