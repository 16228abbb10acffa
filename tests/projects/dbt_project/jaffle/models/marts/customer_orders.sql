select customer_id, name, count(*) as orders, sum(amount) as amount
from {{ ref('stg_customers') }}
join {{ ref('stg_orders') }} using (customer_id)
group by all
