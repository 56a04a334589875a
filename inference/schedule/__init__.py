"""What runs where and when: profiles, plans, the simulator and the search for the best plan."""
