-- The same on every server. `app` is an ordinary user who may look at replication; `admin` may do everything.
create database app;
create user app@'%' identified by 'app';
grant all on app.* to app@'%';
grant replication client on *.* to app@'%';
create user admin@'%' identified by 'admin';
grant all on *.* to admin@'%' with grant option;
