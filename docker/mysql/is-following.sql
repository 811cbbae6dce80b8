select if(count(*) = 1, 'yes', 'no')
from performance_schema.replication_connection_status as receiver
join performance_schema.replication_applier_status as applier using (channel_name)
where receiver.service_state = 'ON' and applier.service_state = 'ON';
