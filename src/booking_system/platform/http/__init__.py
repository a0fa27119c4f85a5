"""HTTP plumbing: routes with policies, input rules, problem details, paging."""
