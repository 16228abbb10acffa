select sessions.*, orders.order_id
from {{ source('app', 'sessions') }} as sessions
left join {{ ref('stg_orders') }} as orders using (customer_id)
