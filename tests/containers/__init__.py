"""What the container tests share: the behaviour every engine must show, a fake engine, a service to ship."""
