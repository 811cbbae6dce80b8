-- The superuser `admin` comes from the image's environment.
create role app login password 'app';
create database app owner app;
