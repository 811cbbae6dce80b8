CREATE TABLE `orm_migrated` (`id` int PRIMARY KEY);
